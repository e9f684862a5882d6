import {
  assertCacheable,
  assertCommit,
  assertGet,
  assertList,
  assertName,
  assertOptions,
  type Commit,
  type CommitResult,
  dueCursor,
  type Entry,
  type Got,
  type Key,
  type Limits,
  type Listener,
  Listeners,
  parseDueCursor,
  type Revision,
  type ScanPage,
  type ScanQuery,
  type Snapshot,
  type Store,
  StoreError,
  shardOf,
} from '@motion-ts/core/store';
import { ExpiringCache } from './expiring-cache.js';
import { bytewise, firstAtLeast, Partition } from './partition.js';

const MiB = 2 ** 20;
const LIMITS: Limits = {
  valueBytes: 32 * MiB,
  commitBytes: 128 * MiB,
  commitOps: 10_000,
  getKeys: 1_000,
  getBytes: 128 * MiB,
};
const PAGE = 1000;

/** Options of {@link MemoryStore}. */
export interface MemoryStoreOptions {
  /** The time in milliseconds, for tests; `Date.now` by default. It decides only `due` and the expiry of the cache. */
  readonly clock?: () => number;
}

/**
 * A store in the memory of this process. Nothing survives the process, and no other process sees it.
 *
 * Every call does all its work in one synchronous turn before it returns, which is what makes it atomic.
 *
 * @example
 * const motion = new Motion({ store: new MemoryStore() });
 */
export class MemoryStore implements Store {
  readonly limits: Limits = LIMITS;
  readonly #clock: () => number;
  readonly #partitions: Map<string, Partition> = new Map();
  /** Those that have a due, past or future: a scan need not walk the others. */
  readonly #dues: Set<Partition> = new Set();
  readonly #cache = new ExpiringCache();
  readonly #listeners = new Listeners();
  /** The names a scan by prefix looks through, in order; thrown away whenever one comes or goes. */
  #scanned: string[] | undefined;
  #closed = false;

  /** @throws StoreError `invalid` for options it does not have */
  constructor(options: MemoryStoreOptions = {}) {
    assertOptions<MemoryStoreOptions>('MemoryStore', options, { clock: true });
    this.#clock = options.clock ?? Date.now;
  }

  // The hot path: a name that is held was validated when it was written, so only a miss is validated.
  async get(
    partition: string,
    keys: readonly Key[],
    options?: { readonly known?: readonly (Revision | undefined)[] },
  ): Promise<Snapshot> {
    this.#assertOpen();
    const held = this.#partitions.get(partition);
    if (held === undefined || keys.length > LIMITS.getKeys) assertGet(partition, keys, LIMITS);
    if (held === undefined) return { seq: 0, dueIn: null, entries: keys.map(() => undefined) };
    const known = options?.known;
    const entries: (Got | undefined)[] = [];
    let bytes = 0;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as Key;
      const entry = held.entries.get(key);
      if (entry === undefined) {
        assertName('key', key);
        entries.push(undefined);
      } else if (known !== undefined && known[i] === entry.rev) entries.push({ key, rev: entry.rev });
      else {
        bytes += entry.value.byteLength;
        if (bytes > LIMITS.getBytes)
          throw new StoreError(
            'too_large',
            `get of ${keys.length} keys in ${partition}: over ${LIMITS.getBytes} bytes`,
          );
        entries.push({ key, rev: entry.rev, value: new Uint8Array(entry.value) });
      }
    }
    return { seq: held.seq, dueIn: held.due === null ? null : held.due - this.#clock(), entries };
  }

  async list(
    partition: string,
    range: { readonly prefix: string; readonly after?: Key; readonly limit: number },
  ): Promise<readonly Entry[]> {
    this.#assertOpen();
    assertList(partition, range);
    return this.#partitions.get(partition)?.list(range.prefix, range.after, range.limit, LIMITS) ?? [];
  }

  async commit(partition: string, commit: Commit): Promise<CommitResult> {
    this.#assertOpen();
    assertCommit(partition, commit, LIMITS);
    const held = this.#partitions.get(partition) ?? new Partition(partition);
    const failed = held.failed(commit);
    if (failed !== undefined) return { ok: false, failed };
    if (commit.drop) held.assertLeavesNothing(commit);
    const wasScanned = held.scanned;
    held.apply(commit, commit.due === undefined ? 0 : this.#clock());
    if (commit.drop) {
      this.#partitions.delete(partition);
      this.#dues.delete(held);
      if (wasScanned) this.#scanned = undefined;
    } else {
      this.#partitions.set(partition, held);
      if (commit.due !== undefined) {
        if (held.due === null) this.#dues.delete(held);
        else this.#dues.add(held);
      }
      if (wasScanned !== held.scanned) this.#scanned = undefined;
    }
    this.#listeners.tell(partition);
    return commit.appends !== undefined && commit.appends.length > 0 ? { ok: true, seq: held.seq } : { ok: true };
  }

  async scan(query: ScanQuery, cursor?: string): Promise<ScanPage> {
    this.#assertOpen();
    return 'due' in query ? this.#scanDue(query.shard, cursor) : this.#scanPrefix(query.prefix, cursor);
  }

  watch(listener: Listener): () => void {
    this.#assertOpen();
    return this.#listeners.add(listener);
  }

  async cacheGet(partition: string, key: Key): Promise<Uint8Array | undefined> {
    this.#assertOpen();
    assertGet(partition, [key], LIMITS);
    return this.#cache.get(partition, key, this.#clock());
  }

  async cacheSet(partition: string, key: Key, value: Uint8Array, ttlMs: number): Promise<void> {
    this.#assertOpen();
    assertGet(partition, [key], LIMITS);
    assertCacheable(partition, key, value, ttlMs, LIMITS);
    this.#cache.set(partition, key, value, this.#clock() + ttlMs);
  }

  async cacheClear(partition: string): Promise<void> {
    this.#assertOpen();
    assertName('partition', partition);
    this.#cache.clear(partition);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    this.#partitions.clear();
    this.#dues.clear();
  }

  // The cursor is `<due> <name>` of the last one given: names hold no space.
  #scanDue(shard: readonly [index: number, of: number] | undefined, cursor: string | undefined): ScanPage {
    const now = this.#clock();
    const [afterDue, afterName] = cursor === undefined ? [Number.NEGATIVE_INFINITY, ''] : parseDueCursor(cursor);
    const found: Partition[] = [];
    for (const held of this.#dues) {
      const due = held.due as number;
      if (due > now || due < afterDue || (due === afterDue && held.name <= afterName)) continue;
      if (shard === undefined || shardOf(held.name, shard[1]) === shard[0]) found.push(held);
    }
    found.sort((a, b) => (a.due as number) - (b.due as number) || bytewise(a.name, b.name));
    const page = found.slice(0, PAGE);
    const partitions = page.map((held) => held.name);
    const last = page.at(-1);
    return found.length > PAGE && last !== undefined
      ? { partitions, cursor: dueCursor(last.due as number, last.name) }
      : { partitions };
  }

  #scanPrefix(prefix: string, cursor: string | undefined): ScanPage {
    this.#scanned ??= [...this.#partitions.values()]
      .filter((held) => held.scanned)
      .map((held) => held.name)
      .sort(bytewise);
    const names = this.#scanned;
    const partitions: string[] = [];
    // No name holds a space, so `<cursor> ` is just behind the cursor.
    for (let i = firstAtLeast(names, cursor === undefined ? prefix : `${cursor} `); i < names.length; i++) {
      const name = names[i] as string;
      if (!name.startsWith(prefix)) break;
      if (partitions.length === PAGE) return { partitions, cursor: partitions[PAGE - 1] as string };
      partitions.push(name);
    }
    return { partitions };
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreError('closed', 'this MemoryStore was closed; make a new one');
  }
}
