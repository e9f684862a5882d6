import { Crew, type Member, quiet, until } from './crew.js';
import { Ledger } from './ledger.js';
import type { FaultOptions, FaultReport } from './options.js';
import { report, seedOf } from './report.js';

/** Options of {@link poison}. */
export interface PoisonOptions extends FaultOptions {
  /** Updates that do no harm, half of them before the poison and half behind. Default: 100. */
  readonly updates?: number;
  /** Other instances, whose updates run at the same time in the same processes. Default: 0. */
  readonly neighbours?: number;
  /** Of leases, in milliseconds. Default: 400. */
  readonly ttlMs?: number;
  /** Milliseconds that it may take until all is quiet. Default: 30,000. */
  readonly timeoutMs?: number;
}

const INSTANCE = 'poisoned';
/** Milliseconds that a neighbour's update takes: it runs while the process dies. */
const NEIGHBOUR_HOLD = 200;
/** Core gives an update up after 5 processes; the first death is before anybody is careful, and others may be by chance. */
const MOST_DEATHS = 8;

/**
 * One update kills every process that runs it. It must become a dead letter after a few, and nothing else with it: its
 * neighbours, queued together with it or running in the same processes, take effect once each and in order.
 */
export async function poison(options: PoisonOptions): Promise<FaultReport> {
  const { updates = 100, neighbours: others = 0, ttlMs = 400, timeoutMs = 30_000 } = options;
  const neighbours = Array.from({ length: others }, (_, n) => `neighbour${n}`);
  const instances = [INSTANCE, ...neighbours];
  const ledger = new Ledger();
  const problems: string[] = [];
  const crew = new Crew({ ...options, ttlMs }, { acknowledged: (_instance, line, n) => ledger.acknowledge(line, n) });
  const started = performance.now();
  let deaths = 0;
  let over = false;
  const work = async (): Promise<void> => {
    while (!over && deaths <= MOST_DEATHS) {
      const worker: Member = crew.start({ updates: 'background' });
      const { signal } = await worker.exited;
      if (signal === 'SIGKILL' && !over) deaths++;
    }
  };
  try {
    const director = crew.start({ updates: 'off' });
    for (const instance of instances) await director.ask({ do: 'open', instance, size: 0 });
    for (const instance of neighbours)
      await director.call(instance, [ledger.next(instance, instance, { hold: NEIGHBOUR_HOLD })]);
    const deadly = ledger.next(INSTANCE, 'poison', { poison: true });
    ledger.excuse(deadly);
    const half = Math.floor(updates / 2);
    const steps = [
      ...ledger.nextOf(half, INSTANCE, 'good'),
      deadly,
      ...ledger.nextOf(updates - half, INSTANCE, 'good'),
    ];
    const failed = await director.call(INSTANCE, steps);
    for (const [n, error] of Object.entries(failed)) problems.push(`call ${n} failed: ${error}`);
    const crews = [work(), work()];
    await until(timeoutMs, async () => deaths > MOST_DEATHS || (await director.inspect(INSTANCE)).queued === 0);
    const { seen, problems: noisy } = await quiet(director, instances, deaths > MOST_DEATHS ? 0 : 5_000);
    const audit = ledger.auditAll(seen);
    problems.push(...noisy, ...audit.problems);
    const letters = await director.ask<string[]>({ do: 'letters', instance: INSTANCE });
    if (letters.join() !== 'poison#1') problems.push(`the dead letters are [${letters}], not [poison#1]`);
    for (const instance of neighbours) {
      const innocent = await director.ask<string[]>({ do: 'letters', instance });
      if (innocent.length > 0) problems.push(`${instance} did no harm, and is a dead letter`);
    }
    if (deaths > MOST_DEATHS) problems.push(`${deaths} processes died of one update`);
    over = true;
    const { lost, doubled, reordered } = audit;
    const applied = seen.get(INSTANCE)?.lines['good'] ?? 0;
    const figures = {
      updates: steps.length,
      deaths,
      applied,
      'dead letters': letters.length,
      lost,
      doubled,
      reordered,
    };
    const seconds = (performance.now() - started) / 1_000;
    await crew.end();
    await Promise.all(crews);
    return report('poison', options, seedOf(options), problems, { ...figures, seconds });
  } finally {
    over = true;
    await crew.end();
  }
}
