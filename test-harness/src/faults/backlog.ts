import { trueNow } from './clock.js';
import { Crew, type Inside, pause, until } from './crew.js';
import { Ledger } from './ledger.js';
import type { FaultOptions, FaultReport } from './options.js';
import type { Vitals } from './protocol.js';
import { report, seedOf, spread } from './report.js';

/** Options of {@link backlog}. */
export interface BacklogOptions extends FaultOptions {
  /** Updates queued on one instance before anybody runs them. Default: 100,000. */
  readonly updates?: number;
  /** Other instances that exist, idle. Default: 10,000. */
  readonly instances?: number;
  /** Updates of idle instances, one at a time, whose start is measured. Default: 20. */
  readonly samples?: number;
  /** Milliseconds within which an idle instance's update begins elsewhere. Default: 5,000. */
  readonly foundMs?: number;
  /** Bytes by which the worker's heap may grow over the backlog. Default: 64 MiB. */
  readonly growBytes?: number;
  /** Milliseconds that the whole may take. Default: 600,000. */
  readonly timeoutMs?: number;
}

const INSTANCE = 'backlog';
const AT_ONCE = 500;
const TTL_MS = 2_000;

/**
 * A long backlog and many instances. The heap of the worker that runs the backlog stays flat, since it loads a few batches
 * at a time; and among many idle instances, the one that gets an update is found at once.
 */
export async function backlog(options: BacklogOptions): Promise<FaultReport> {
  const { updates = 100_000, instances = 10_000, samples = 20, foundMs = 5_000 } = options;
  const { growBytes = 64 * 2 ** 20, timeoutMs = 600_000 } = options;
  const ledger = new Ledger();
  const problems: string[] = [];
  const insides: Inside[] = [];
  const crew = new Crew(
    { ...options, ttlMs: TTL_MS },
    {
      acknowledged: (_, line, n) => ledger.acknowledge(line, n),
      inside: (_, inside) => insides.push(inside),
      wrong: (what) => problems.push(what),
    },
  );
  const started = performance.now();
  const left = (): number => Math.max(0, timeoutMs - (performance.now() - started));
  try {
    const caller = crew.start({ updates: 'off' });
    for (let n = 0; n < updates && problems.length === 0; n += AT_ONCE) {
      const steps = ledger.nextOf(Math.min(AT_ONCE, updates - n), INSTANCE, 'line');
      for (const error of Object.values(await caller.call(INSTANCE, steps))) problems.push(`a call failed: ${error}`);
    }
    const queuedAfter = performance.now() - started;
    const worker = crew.start({ updates: 'background', nodeArgs: ['--expose-gc'] });
    await worker.ready;
    const heaps: number[] = [];
    let rss = 0;
    const drainingSince = performance.now();
    await until(
      left(),
      async () => {
        const vitals = await worker.ask<Vitals>({ do: 'vitals' });
        heaps.push(vitals.heapUsed);
        rss = Math.max(rss, vitals.rss);
        const { queued } = await caller.inspect(INSTANCE);
        return queued === 0 || problems.length > 0;
      },
      250,
    );
    const drainedAfter = performance.now() - drainingSince;
    const grown = Math.max(...heaps) - Math.min(...heaps);
    if (grown > growBytes) problems.push(`the worker's heap grew by ${megabytes(grown)} MB over the backlog`);
    for (let n = 0; n < instances && problems.length === 0; n += AT_ONCE)
      await Promise.all(
        Array.from({ length: Math.min(AT_ONCE, instances - n) }, (_, i) =>
          caller.ask({ do: 'open', instance: `idle${n + i}`, size: 0 }),
        ),
      );
    const found: number[] = [];
    for (let n = 0; n < samples && problems.length === 0; n++) {
      const instance = `idle${Math.floor((n * instances) / samples)}`;
      const calledAt = trueNow();
      await caller.call(instance, [ledger.next(instance, instance, { hold: 0 })]);
      const began = (): Inside | undefined => insides.find((inside) => inside.instance === instance);
      if (await until(foundMs, () => began() !== undefined, 5)) found.push((began()?.at ?? 0) - calledAt);
      else problems.push(`the update of ${instance} did not begin within ${foundMs} ms`);
    }
    await pause(200);
    const audit = ledger.auditAll(new Map([[INSTANCE, await caller.inspect(INSTANCE)]]));
    problems.push(...audit.problems);
    const { lost, doubled, reordered } = audit;
    return report('backlog', options, seedOf(options), problems, {
      updates,
      instances,
      'queued a second': Math.round((updates / queuedAfter) * 1_000),
      'drained a second': Math.round((updates / drainedAfter) * 1_000),
      'heap from MB': megabytes(Math.min(...heaps)),
      'heap to MB': megabytes(Math.max(...heaps)),
      'resident MB': megabytes(rss),
      ...spread('found', found),
      lost,
      doubled,
      reordered,
      seconds: (performance.now() - started) / 1_000,
    });
  } finally {
    await crew.end();
  }
}

const megabytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
