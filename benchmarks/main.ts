/**
 * Runs every workload on every subject, in turn and in fresh processes, and prints medians and their ratios.
 *
 *     npm run bench -- [--runs 5] [--only W1,W3] [--subjects sqlite]
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { contestants } from './subjects/index.js';
import { WARM_UP, workloads } from './workloads.js';

const run = promisify(execFile);
const child = fileURLToPath(new URL('./child.js', import.meta.url));
const COLD_START = 'W6';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    only: { type: 'string' },
    subjects: { type: 'string', default: '' },
    dir: { type: 'string', default: tmpdir() },
  },
});
const runs = Number(values.runs);
if (!Number.isSafeInteger(runs) || runs < 1)
  throw new Error(`--runs must be a whole number from 1, not ${values.runs}`);
const names = Object.keys(contestants).filter((name) => name.includes(values.subjects));
const chosen = (values.only?.split(',') ?? [...Object.keys(workloads), COLD_START]).map((name) => name.trim());
for (const name of chosen) if (name !== COLD_START && !workloads[name]) throw new Error(`there is no workload ${name}`);

function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

async function inFreshProcess(name: string, workload: string, directory: string): Promise<number[]> {
  const { stdout } = await run(process.execPath, [child, name, workload, directory]);
  return JSON.parse(stdout) as number[];
}

async function once(name: string, workload: string): Promise<number[]> {
  const directory = await mkdtemp(join(values.dir, 'motion-bench-'));
  try {
    if (workload === COLD_START) await inFreshProcess(name, 'fill', directory);
    return await inFreshProcess(name, workload, directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const show = (figure: number, workload: string): string =>
  workload === COLD_START ? `${figure.toFixed(1)} ms` : Math.round(figure).toLocaleString('en-US');

console.log(
  `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}); medians of ${runs} runs, each in a fresh process after ${WARM_UP} calls to warm up; flows per second, ${COLD_START} in ms (after imports / after the process began)`,
);
const medians = new Map<string, number[]>();
for (const workload of chosen) {
  console.log(
    `\n${workload}: ${workloads[workload]?.what ?? 'a fresh process opens an instance and serves its first request'}`,
  );
  const contenders = names.filter((name) => workload !== COLD_START || name !== 'motion memory');
  const figures = new Map<string, number[][]>(contenders.map((name) => [name, []]));
  // In turn, so that a machine that slows down slows all of them.
  for (let n = 0; n < runs; n++) for (const name of contenders) figures.get(name)?.push(await once(name, workload));
  for (const name of contenders) {
    const all = figures.get(name) as number[][];
    medians.set(
      name,
      (all[0] as number[]).map((_, i) => median(all.map((one) => one[i] as number))),
    );
  }
  for (const name of contenders) {
    const mine = medians.get(name) as number[];
    const bare = medians.get(contestants[name]?.bare ?? '');
    const ratios = bare
      ? `   ${mine.map((figure, i) => (figure / (bare[i] as number)).toFixed(2)).join(' / ')} of bare`
      : '';
    console.log(
      `  ${name.padEnd(22)} ${mine
        .map((figure) => show(figure, workload))
        .join(' / ')
        .padStart(22)}${ratios}`,
    );
  }
}
