import { type Commit, type CommitResult, type Key, StoreError, shardOf } from '@motion-ts/core/store';
import { Batcher, type Call } from './batcher.js';
import { byteaArray, literalArray, textArray } from './binary.js';
import type { Connections, Row, Statement } from './connections.js';
import { isCertain, storeError } from './failure.js';

/** What one statement takes at most, beside a commit that is larger by itself. The answer must fit 8 KiB, see there. */
const MOST_COMMITS = 64;
const MOST_OPS = 1_000;
const MOST_BYTES = 2 ** 20;
/** Of the waiting calls, as many are looked at. */
const MOST_LOOKED_AT = 1_000;
/** `due` is a bigint. */
const FAR_MS = 2 ** 52;
/** Every hash is its own remainder. */
const HASHES = 2 ** 32;

interface CommitCall extends Call {
  readonly partition: string;
  /** Its bytes are nobody else's. */
  readonly commit: Commit;
  readonly ops: number;
  readonly bytes: number;
  /** It came back from a batch, and goes alone now. */
  alone: boolean;
  resolve(result: CommitResult): void;
  reject(error: StoreError): void;
}

/**
 * Sends commits. Those of different partitions that wait together share a transaction, and so a round trip and an fsync;
 * one that is refused harms no other. Commits of one partition are sent one after another.
 *
 * The answer to a statement stays below 8 KiB, which is what the server collects before it writes to the network: its
 * transaction, and with it the locks of the partitions, must end even if this process reads no more.
 */
export class Commits {
  readonly #connections: Connections;
  readonly #statement: Statement;
  readonly #onError: (error: unknown) => void;
  readonly #batcher: Batcher<CommitCall>;
  readonly #underWay: Set<string> = new Set();

  /** @param onError told of whatever the server fails of */
  constructor(connections: Connections, lanes: number, statement: Statement, onError: (error: unknown) => void) {
    this.#connections = connections;
    this.#statement = statement;
    this.#onError = onError;
    this.#batcher = new Batcher(
      lanes,
      (waiting) => this.#choose(waiting),
      (batch) => this.#send(batch),
    );
  }

  /** @param commit validated, with bytes of its own */
  add(partition: string, commit: Commit, deadline: number): Promise<CommitResult> {
    return new Promise((resolve, reject) => {
      const { checks, puts, appends, deletes } = commit;
      let bytes = 0;
      for (const { value } of puts ?? []) bytes += value.byteLength;
      for (const value of appends ?? []) bytes += value.byteLength;
      const ops = (checks?.length ?? 0) + (puts?.length ?? 0) + (appends?.length ?? 0) + (deletes?.length ?? 0);
      const late = (): void =>
        reject(new StoreError('unavailable', `commit ${commit.id} in ${partition}: no connection got free in time`));
      this.#batcher.add({ partition, commit, deadline, ops, bytes, alone: false, late, resolve, reject });
    });
  }

  #choose(waiting: readonly CommitCall[]): CommitCall[] {
    const batch: CommitCall[] = [];
    const partitions = new Set(this.#underWay);
    let ops = 0;
    let bytes = 0;
    for (let i = 0; i < waiting.length && i < MOST_LOOKED_AT && batch.length < MOST_COMMITS; i++) {
      const call = waiting[i] as CommitCall;
      if (partitions.has(call.partition)) continue;
      const fits = ops + call.ops <= MOST_OPS && bytes + call.bytes <= MOST_BYTES && !call.alone;
      if (batch.length > 0 && !fits) continue;
      partitions.add(call.partition);
      batch.push(call);
      if (!fits) break;
      ops += call.ops;
      bytes += call.bytes;
    }
    return batch;
  }

  async #send(batch: readonly CommitCall[]): Promise<void> {
    for (const { partition } of batch) this.#underWay.add(partition);
    const deadline = Math.min(...batch.map((call) => call.deadline));
    try {
      const [row] = await this.#connections.run(this.#statement, parametersOf(batch), deadline);
      this.#settle(batch, row as Row);
    } catch (error) {
      this.#onError(error);
      // Nothing of it was applied: so that one does not harm the others, each goes alone.
      if (batch.length > 1 && isCertain(error)) this.#again(batch);
      else
        for (const { reject, commit, partition } of batch)
          reject(storeError(error, `commit ${commit.id} in ${partition}`, this.#connections.where, true));
    } finally {
      for (const { partition } of batch) this.#underWay.delete(partition);
    }
  }

  #settle(batch: readonly CommitCall[], [busy, failed, seqFailed, touched, seqs]: Row): void {
    const waitedFor = new Set(numbersIn(busy));
    const failures = failuresOf(batch, numbersIn(failed), numbersIn(seqFailed));
    const heads = numbersIn(touched);
    const numbers = numbersIn(seqs);
    const again: CommitCall[] = [];
    for (const [i, call] of batch.entries()) {
      const keys = failures.get(i + 1);
      if (waitedFor.has(i + 1)) again.push(call);
      else if (keys !== undefined) call.resolve({ ok: false, failed: keys });
      else if (call.commit.appends?.length) call.resolve({ ok: true, seq: numbers[heads.indexOf(i + 1)] as number });
      else call.resolve({ ok: true });
    }
    this.#again(again);
  }

  #again(calls: readonly CommitCall[]): void {
    for (const call of calls) call.alone = true;
    this.#batcher.addFirst(calls);
  }
}

/** The keys whose check failed, by the number of the commit from 1. */
function failuresOf(batch: readonly CommitCall[], failed: number[], seqFailed: number[]): Map<number, Key[]> {
  const failures = new Map<number, Key[]>();
  const add = (of: number, key: Key): void => void (failures.get(of)?.push(key) ?? failures.set(of, [key]));
  if (failed.length > 0) {
    const checks = batch.flatMap(({ commit }, i) => (commit.checks ?? []).map(({ key }) => ({ of: i + 1, key })));
    for (const n of failed) {
      const check = checks[n - 1];
      if (check !== undefined) add(check.of, check.key);
    }
  }
  for (const of of seqFailed) add(of, '#seq');
  return failures;
}

function numbersIn(list: string | null | undefined): number[] {
  return list ? list.split(',').map(Number) : [];
}

/** The parameters of the function, see there. */
function parametersOf(batch: readonly CommitCall[]): unknown[] {
  const commits = batch.map(({ commit }) => commit);
  const partitions = batch.map(({ partition }) => partition);
  const checks = elementsOf(commits, (commit) => commit.checks);
  const puts = elementsOf(commits, (commit) => commit.puts);
  const appends = elementsOf(commits, (commit) => commit.appends);
  const deletes = elementsOf(commits, (commit) => commit.deletes);
  const drops = commits.flatMap((commit, i) => (commit.drop ? [i + 1] : []));
  const touches = commits.some((commit) => commit.appends?.length || commit.due !== undefined);
  const dues = touches ? commits.map(dueOf) : undefined;
  return [
    textArray(partitions),
    touches ? literalArray(partitions.map((partition) => shardOf(partition, HASHES))) : null,
    textArray(commits.map(({ id }) => id)),
    commits.some(({ seqIs }) => seqIs !== undefined) ? literalArray(commits.map(({ seqIs = null }) => seqIs)) : null,
    touches ? literalArray(commits.map((commit) => commit.appends?.length ?? 0)) : null,
    dues ? literalArray(dues.map(({ mode }) => mode)) : null,
    dues ? literalArray(dues.map(({ ms }) => ms)) : null,
    ...(checks
      ? [
          literalArray(checks.of),
          textArray(checks.items.map(({ key }) => key)),
          textArray(checks.items.map(({ rev }) => rev)),
        ]
      : [null, null, null]),
    ...(puts
      ? [
          literalArray(puts.of),
          textArray(puts.items.map(({ key }) => key)),
          byteaArray(puts.items.map(({ value }) => value)),
        ]
      : [null, null, null]),
    ...(appends ? [literalArray(appends.of), literalArray(appends.n), byteaArray(appends.items)] : [null, null, null]),
    ...(deletes ? [literalArray(deletes.of), textArray(deletes.items)] : [null, null]),
    drops.length > 0 ? literalArray(drops) : null,
  ];
}

/** What all commits have of a kind, with the number of each one's commit and its number within it; undefined for none. */
function elementsOf<T>(
  commits: readonly Commit[],
  kind: (commit: Commit) => readonly T[] | undefined,
): { of: number[]; n: number[]; items: T[] } | undefined {
  const elements: { of: number[]; n: number[]; items: T[] } = { of: [], n: [], items: [] };
  for (const [i, commit] of commits.entries())
    for (const [n, item] of kind(commit)?.entries() ?? []) {
      elements.of.push(i + 1);
      elements.n.push(n + 1);
      elements.items.push(item);
    }
  return elements.items.length > 0 ? elements : undefined;
}

function dueOf({ due }: Commit): { mode: 0 | 1 | 2; ms: number | null } {
  if (due === undefined) return { mode: 0, ms: null };
  const ms = 'in' in due ? due.in : due.ifNullIn;
  return { mode: 'in' in due ? 1 : 2, ms: ms === null ? null : Math.max(-FAR_MS, Math.min(FAR_MS, Math.ceil(ms))) };
}
