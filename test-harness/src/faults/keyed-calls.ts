import { Random } from '../simulation/random.js';
import { Crew, Gone, type Member, pause, quiet } from './crew.js';
import { Ledger } from './ledger.js';
import type { FaultOptions, FaultReport } from './options.js';
import { report, seedOf } from './report.js';

/** Options of {@link keyedCalls}. */
export interface KeyedCallsOptions extends FaultOptions {
  /** Idempotency keys, each called with at least twice. Default: 300. */
  readonly keys?: number;
  /** Keys that one process is killed over. Default: 5. */
  readonly perKill?: number;
}

const INSTANCE = 'keyed';
const CALLERS = 3;

/** Callers are killed in the middle of calls with an idempotency key; others call again with it. Each key takes effect once. */
export async function keyedCalls(options: KeyedCallsOptions): Promise<FaultReport> {
  const { keys = 300, perKill = 5 } = options;
  const seed = seedOf(options);
  const random = new Random(seed);
  const ledger = new Ledger();
  const problems: string[] = [];
  const crew = new Crew(
    { ...options, ttlMs: 1_000 },
    { acknowledged: (_instance, line, n) => ledger.acknowledge(line, n) },
  );
  const started = performance.now();
  let [kills, unanswered, next] = [0, 0, 0];
  try {
    const director = crew.start({ updates: 'background' });
    await director.ask({ do: 'open', instance: INSTANCE, size: 0 });
    const round = async (caller: Member): Promise<void> => {
      const steps = Array.from({ length: Math.min(perKill, keys - next) }, () => ledger.next(INSTANCE, `key${next++}`));
      const call = (member: Member, flush: boolean): Promise<Readonly<Record<number, string>>[]> =>
        Promise.all(steps.map((step) => member.call(INSTANCE, [step], { key: step.line, flush })));
      await caller.ready;
      // Opened before, so that the kill finds the calls under way.
      await caller.ask({ do: 'open', instance: INSTANCE, size: 0 });
      const first = call(caller, random.chance(0.3)).then(
        () => {},
        (error) => {
          if (!(error instanceof Gone)) throw error;
          unanswered++;
        },
      );
      await pause(random.int(0, 12));
      await caller.kill();
      kills++;
      await first;
      // Twice: it may have been queued by the dead, and it is by now.
      for (const flush of [true, false])
        for (const failed of await call(director, flush))
          for (const error of Object.values(failed)) problems.push(`a call again failed: ${error}`);
    };
    const callAll = async (): Promise<void> => {
      let caller = crew.start({ updates: 'off' });
      while (next < keys && problems.length === 0) {
        const after = crew.start({ updates: 'off' });
        await round(caller);
        caller = after;
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, callAll));
    const { seen, problems: noisy } = await quiet(director, [INSTANCE], 5_000);
    const audit = ledger.auditAll(seen);
    problems.push(...noisy, ...audit.problems);
    const applied = Object.keys(seen.get(INSTANCE)?.lines ?? {}).length;
    if (applied !== keys) problems.push(`${applied} keys took effect, not ${keys}`);
    return report('keyed calls', options, seed, problems, {
      keys: applied,
      kills,
      'kills before the answers': unanswered,
      lost: audit.lost,
      doubled: audit.doubled,
      seconds: (performance.now() - started) / 1_000,
    });
  } finally {
    await crew.end();
  }
}
