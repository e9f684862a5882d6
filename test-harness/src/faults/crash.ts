import { Crew, Gone, type Member, pause, quiet, until } from './crew.js';
import { FAILPOINTS } from './failpoints.js';
import { Ledger } from './ledger.js';
import type { FaultOptions, FaultReport } from './options.js';
import { report, seedOf, spread } from './report.js';

/** Options of {@link crashAtFailpoints}. */
export interface CrashOptions extends FaultOptions {
  /** Names from `FAILPOINTS`. Default: all of them. */
  readonly failpoints?: readonly string[];
  /** Of leases, in milliseconds. Default: 500. */
  readonly ttlMs?: number;
  /** Milliseconds from the crash until all is quiet. Default: ttl + 2,000. */
  readonly quietMs?: number;
  /** Failpoints attacked at the same time. Default: 3. */
  readonly parallel?: number;
}

/** Longer than what any store keeps in one entry that core may fill: it is cut into chunks. */
const BIG = 400_000;
/** After all calls were answered, what is done in the background comes within so many milliseconds. */
const LATEST_MS = 5_000;

/**
 * A process goes through all that core does with an instance, and is crashed at a failpoint, one after the other. Another
 * process finishes what it left: nothing acknowledged is lost, nothing takes effect twice, and all is quiet soon.
 */
export async function crashAtFailpoints(options: CrashOptions): Promise<FaultReport> {
  const { failpoints = FAILPOINTS, parallel = 3 } = options;
  for (const name of failpoints) if (!FAILPOINTS.includes(name)) throw new Error(`there is no failpoint '${name}'`);
  const started = performance.now();
  const left = [...failpoints];
  const problems: string[] = [];
  const times: number[] = [];
  const totals = { lost: 0, doubled: 0, reordered: 0 };
  const next = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      const one = await crashAt(name, options);
      problems.push(...one.problems.map((problem) => `${name}: ${problem}`));
      times.push(one.quietAfter);
      totals.lost += one.lost;
      totals.doubled += one.doubled;
      totals.reordered += one.reordered;
    }
  };
  await Promise.all(Array.from({ length: parallel }, next));
  return report('failpoints', options, seedOf(options), problems, {
    failpoints: failpoints.length,
    ...totals,
    ...spread('quiet', times),
    seconds: (performance.now() - started) / 1_000,
  });
}

interface Crashed {
  readonly problems: readonly string[];
  readonly quietAfter: number;
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
}

async function crashAt(name: string, options: CrashOptions): Promise<Crashed> {
  const { ttlMs = 500, quietMs = ttlMs + 2_000 } = options;
  const problems: string[] = [];
  const ledger = new Ledger();
  const crew = new Crew({ ...options, ttlMs }, { acknowledged: (_instance, line, n) => ledger.acknowledge(line, n) });
  try {
    const victim = crew.start({ updates: 'background', failpoint: { name, nth: 1 } });
    const heir = crew.start({ updates: 'background', asleep: true });
    await heir.ready;
    const progress = { clearing: false, cleared: false };
    let crashed = false;
    try {
      await victim.ready;
      await goThroughAll(victim, ledger, ttlMs, progress);
      // It may crash without a call under way: as it gives a lease back, for one.
      crashed = await until(LATEST_MS, () => !victim.alive);
    } catch (error) {
      if (!(error instanceof Gone)) problems.push((error as Error).message);
      crashed = !victim.alive;
    }
    if (!crashed && problems.length === 0) problems.push('the process never got there');
    const { signal } = crashed ? await victim.exited : { signal: 'SIGKILL' };
    if (signal !== 'SIGKILL') problems.push('the process ended, but not there');
    await victim.kill();
    const crashedAt = performance.now();
    await heir.ask({ do: 'wake' });
    const after = await quiet(heir, ['a', 'b'], quietMs);
    const quietAfter = performance.now() - crashedAt;
    problems.push(...after.problems);
    // What a clear had got to is settled by now: all of it, or nothing.
    const b = after.seen.get('b');
    if (progress.cleared || (progress.clearing && b?.gone)) ledger.cleared('b');
    await useAgain(heir, ledger, problems);
    const { seen, problems: noisy } = await quiet(heir, ['a', 'b'], quietMs);
    const audit = ledger.auditAll(seen);
    problems.push(...noisy, ...audit.problems);
    const letters = await heir.ask<string[]>({ do: 'letters', instance: 'a' });
    if (letters.some((letter, n) => letter !== 'deadly#1' || n > 0)) problems.push(`the dead letters are [${letters}]`);
    const wasDeadly = ledger.wasAcknowledged('deadly', 1);
    if (wasDeadly && letters.length === 0) problems.push('the dead letter is lost');
    if (seen.get('a')?.lines['deadly'] !== undefined) problems.push('an update that always fails was applied');
    const { big = 0, lines = {} } = seen.get('a') ?? {};
    const bigs = lines['big'] === undefined ? [BIG, ...(lines['plain'] === undefined ? [0] : [])] : [BIG + 1];
    if (!bigs.includes(big)) problems.push(`the big value has ${big} bytes, not ${bigs.join(' or ')}`);
    return { problems, quietAfter, lost: audit.lost, doubled: audit.doubled, reordered: audit.reordered };
  } finally {
    await crew.end();
  }
}

/** All kinds of commits, in an order in which each comes about. */
async function goThroughAll(
  victim: Member,
  ledger: Ledger,
  ttlMs: number,
  progress: { clearing: boolean; cleared: boolean },
): Promise<void> {
  const call = async (...args: Parameters<Member['call']>): Promise<void> => {
    for (const error of Object.values(await victim.call(...args))) throw new Error(`a call failed: ${error}`);
  };
  await victim.ask({ do: 'open', instance: 'a', size: BIG });
  await call('a', ledger.nextOf(3, 'a', 'plain'));
  await call('a', [ledger.next('a', 'key1')], { key: 'key1', flush: true });
  // The holder lingers, and these callers wait: no queue in between.
  for (let n = 0; n < 3; n++) await call('a', [ledger.next('a', 'waited')], { flush: true });
  await call('a', [ledger.next('a', 'told')], { flow: 'told', flush: true });
  await call('a', [ledger.next('a', 'retried', { fails: 1 })], { flush: true });
  await call('a', [ledger.next('a', 'long', { hold: ttlMs * 0.8 })], { flush: true });
  await call('a', [ledger.next('a', 'big', { size: BIG + 1 })], { flush: true });
  const deadly = ledger.next('a', 'deadly', { fails: 99 });
  ledger.excuse(deadly);
  await call('a', [deadly]);
  await pause(400);
  await victim.ask({ do: 'open', instance: 'b', size: BIG });
  await call('b', ledger.nextOf(2, 'b', 'doomed'), { flush: true });
  progress.clearing = true;
  await victim.ask({ do: 'clear', instance: 'b' });
  progress.cleared = true;
}

/** Whatever was left half-way, both instances can be used. */
async function useAgain(heir: Member, ledger: Ledger, problems: string[]): Promise<void> {
  for (const instance of ['a', 'b']) {
    const failed = await heir.call(instance, ledger.nextOf(2, instance, `again-${instance}`), { flush: true });
    for (const error of Object.values(failed)) problems.push(`a call of ${instance} after the crash failed: ${error}`);
  }
}
