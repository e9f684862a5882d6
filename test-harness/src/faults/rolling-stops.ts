import { trueNow } from './clock.js';
import { Crew, type Inside, type Member, pause, quiet, until } from './crew.js';
import { Ledger } from './ledger.js';
import type { FaultOptions, FaultReport } from './options.js';
import { report, seedOf, spread } from './report.js';

/** Options of {@link rollingStops}. */
export interface RollingStopsOptions extends FaultOptions {
  /** How often a worker is stopped, and another started in its place. Default: 10. */
  readonly stops?: number;
  /** Milliseconds that an update takes. Default: 3. */
  readonly updateMs?: number;
  /** Milliseconds within which, mostly, another must go on with what a stopped worker held. Default: 2,000. */
  readonly handOverMs?: number;
}

const INSTANCES = ['i0', 'i1'];
/** So long that nothing of a hand-over is done by its expiry. */
const TTL_MS = 30_000;
/** One that takes so long did not wait for it either. */
const LATEST_MS = TTL_MS / 3;

/**
 * Workers are stopped with SIGTERM under load, one after the other, and close their Motion. No update runs twice, since none
 * was interrupted; each process ends by itself, with exit code 0; and the next goes on at once, not when a lease expires.
 */
export async function rollingStops(options: RollingStopsOptions): Promise<FaultReport> {
  const { stops = 10, updateMs = 3, handOverMs = 2_000 } = options;
  const ledger = new Ledger();
  const problems: string[] = [];
  const runs: { readonly member: Member; readonly inside: Inside }[] = [];
  const crew = new Crew(
    { ...options, ttlMs: TTL_MS, tellRuns: true },
    {
      acknowledged: (_instance, line, n) => ledger.acknowledge(line, n),
      inside: (member, inside) => runs.push({ member, inside }),
      error: (text) => problems.push(`in the background: ${text}`),
    },
  );
  const started = performance.now();
  const handOvers: number[] = [];
  const endings: number[] = [];
  try {
    const director = crew.start({ updates: 'off' });
    const workers = [crew.start({ updates: 'background' }), crew.start({ updates: 'background' })];
    await Promise.all([director, ...workers].map(({ ready }) => ready));
    let over = false;
    const load = INSTANCES.map(async (instance) => {
      for (let n = 0; !over; n++) {
        const steps = ledger.nextOf(4, instance, `line-${instance}`).map((step) => ({ ...step, hold: updateMs }));
        const failed = await director.call(instance, steps, { flush: n % 4 === 0 });
        for (const [at, error] of Object.entries(failed)) problems.push(`call ${at} of ${instance} failed: ${error}`);
        await pause(20);
      }
    });
    // Heard of below, unless something else went wrong before.
    for (const one of load) one.catch(() => {});
    await pause(200);
    for (let n = 0; n < stops && problems.length === 0; n++) {
      const worker = workers.shift() as Member;
      // Under load it holds something; should the other have it all, that one is as good.
      const stoppedAt = trueNow();
      worker.terminate();
      const ended = await Promise.race([worker.exited, pause(LATEST_MS)]);
      endings.push(trueNow() - stoppedAt);
      if (!ended) problems.push(`stop ${n}: the process has not ended after ${LATEST_MS} ms`);
      else if (ended.code !== 0) problems.push(`stop ${n}: the process ended with ${ended.code ?? ended.signal}`);
      const endedAt = trueNow();
      for (const instance of INSTANCES) {
        const of = (): typeof runs => runs.filter(({ inside }) => inside.instance === instance);
        const held = of().findLast(({ inside }) => inside.at <= stoppedAt)?.member === worker;
        const lastOfWorker = held ? (of().findLast(({ member }) => member === worker)?.inside.at ?? 0) : endedAt;
        const next = (): Inside | undefined =>
          of().find(({ member, inside }) => member !== worker && inside.at >= lastOfWorker)?.inside;
        if (!(await until(LATEST_MS, () => next() !== undefined, 5)))
          problems.push(`stop ${n}: nobody went on with ${instance} within ${LATEST_MS} ms`);
        else if (held) handOvers.push((next()?.at ?? 0) - lastOfWorker);
      }
      workers.push(crew.start({ updates: 'background' }));
      await (workers.at(-1) as Member).ready;
      await pause(50);
    }
    over = true;
    if (problems.length === 0) await Promise.all(load);
    const { seen, problems: noisy } = await quiet(director, INSTANCES, problems.length === 0 ? 5_000 : 500);
    const audit = ledger.auditAll(seen);
    problems.push(...noisy, ...audit.problems);
    const counts = new Map<string, number>();
    for (const { inside } of runs) {
      const what = `${inside.line}#${inside.n}`;
      counts.set(what, (counts.get(what) ?? 0) + 1);
    }
    let again = 0;
    for (const [what, count] of counts)
      if (count > 1) {
        again++;
        problems.push(`${what} ran ${count} times`);
      }
    const slow = handOvers.filter((ms) => ms > handOverMs).length;
    if (slow > handOvers.length / 2)
      problems.push(`${slow} of ${handOvers.length} hand-overs took more than ${handOverMs} ms`);
    const { lost, doubled, reordered } = audit;
    return report('rolling stops', options, seedOf(options), problems, {
      stops: endings.length,
      updates: counts.size,
      'run again': again,
      lost,
      doubled,
      reordered,
      ...spread('hand-over', handOvers),
      ...spread('end of process', endings),
      seconds: (performance.now() - started) / 1_000,
    });
  } finally {
    await crew.end();
  }
}
