/**
 * Runs every workload on every subject, in turn and in fresh processes, and prints medians and their ratios.
 *
 *     npm run bench -- [--runs 5] [--only W1,W3] [--subjects sqlite] [--durable]
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { all } from './all.js';
import { startServers } from './servers.js';
import type { Place } from './subject.js';
import { type Contestant, contestants } from './subjects/index.js';
import { type Measured, scaleOf, WARM_UP } from './workloads.js';

const run = promisify(execFile);
const child = fileURLToPath(new URL('./child.js', import.meta.url));
const COLD_START = 'W6';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    only: { type: 'string' },
    subjects: { type: 'string', default: '' },
    dir: { type: 'string', default: tmpdir() },
    /** Servers write to their disks before they answer. */
    durable: { type: 'boolean', default: false },
  },
});
const runs = Number(values.runs);
if (!Number.isSafeInteger(runs) || runs < 1)
  throw new Error(`--runs must be a whole number from 1, not ${values.runs}`);
const names = Object.keys(contestants).filter((name) => name.includes(values.subjects));
const chosen = (values.only?.split(',') ?? [...Object.keys(all), COLD_START]).map((name) => name.trim());
for (const name of chosen) if (name !== COLD_START && !all[name]) throw new Error(`there is no workload ${name}`);

function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

async function inFreshProcess(name: string, workload: string, place: Place): Promise<Measured> {
  const { stdout } = await run(process.execPath, [child, name, workload, JSON.stringify(place)]);
  return JSON.parse(stdout) as Measured;
}

async function once(name: string, workload: string): Promise<Measured> {
  const kind = (contestants[name] as Contestant).server;
  const server = kind && servers.get(kind);
  await server?.reset?.();
  const directory = await mkdtemp(join(values.dir, 'motion-bench-'));
  const place = { directory, name: basename(directory), server: server?.url ?? '' };
  try {
    if (workload === COLD_START) await inFreshProcess(name, 'fill', place);
    return await inFreshProcess(name, workload, place);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function show(workload: string, figures: readonly number[]): string {
  if (workload === COLD_START) return figures.map((figure) => `${figure.toFixed(1)} ms`).join(' / ');
  const given = all[workload]?.show;
  return given ? given(figures) : figures.map((figure) => Math.round(figure).toLocaleString('en-US')).join(' / ');
}

function mediansOf(runs: readonly Measured[]): Measured {
  const requests = runs.map((one) => one.requests).filter((one) => one !== undefined);
  const units = runs.map((one) => one.units).filter((one) => one !== undefined);
  return {
    figures: (runs[0] as Measured).figures.map((_, i) => median(runs.map(({ figures }) => figures[i] as number))),
    ...(requests.length > 0 && { requests: median(requests) }),
    ...(units.length > 0 && {
      units: { read: median(units.map(({ read }) => read)), write: median(units.map(({ write }) => write)) },
    }),
  };
}

/** Those that take part: what has nothing to hold against it says so itself. */
function contendersOf(workload: string): string[] {
  if (workload === COLD_START) return names.filter((name) => name !== 'motion memory');
  return all[workload]?.alone ? names.filter((name) => name.startsWith('motion')) : names;
}

async function compare(workload: string): Promise<void> {
  console.log(
    `\n${workload}: ${all[workload]?.what ?? 'a fresh process opens an instance and serves its first request'}`,
  );
  const contenders = contendersOf(workload);
  const found = new Map<string, Measured[]>(contenders.map((name) => [name, []]));
  // In turn, so that a machine that slows down slows all of them.
  for (let n = 0; n < runs; n++) for (const name of contenders) found.get(name)?.push(await once(name, workload));
  const medians = new Map([...found].map(([name, measured]) => [name, mediansOf(measured)]));
  for (const [name, { figures, requests, units }] of medians) {
    const bare = medians.get(contestants[name]?.bare ?? '')?.figures;
    const ratios = bare
      ? `   ${figures.map((figure, i) => (figure / (bare[i] as number)).toFixed(2)).join(' / ')} of bare`
      : '';
    const cost = requests === undefined ? '' : `   ${requests.toFixed(2)} requests a flow`;
    const charged = units ? `, ${units.read.toFixed(1)} read and ${units.write.toFixed(1)} write units` : '';
    console.log(`  ${name.padEnd(22)} ${show(workload, figures).padStart(22)}${ratios}${cost}${charged}`);
  }
}

console.log(
  `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}); medians of ${runs} runs, each in a fresh process after ${WARM_UP} calls to warm up (${scaleOf(true).warmUp} for slow stores, with a tenth of the flows); flows per second, ${COLD_START} in ms (after imports / after the process began)${values.durable ? '; servers write to their disks before they answer' : ''}`,
);
const servers = await startServers(
  names.map((name) => contestants[name] as Contestant),
  values.durable,
);
try {
  for (const workload of chosen) await compare(workload);
} finally {
  for (const server of servers.values()) await server.stop();
}
