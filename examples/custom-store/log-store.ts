import type { Limits, Revision, ScanPage, ScanQuery, Snapshot, Store } from '@motion-ts/core/store';
import * as contract from '@motion-ts/core/store';
import { type Commit, type CommitResult, type Entry, type Got, type Key, StoreError } from '@motion-ts/core/store';
import type { Contents } from './contents.js';
import { Log } from './log.js';

// #region limits
const MiB = 2 ** 20;
const LIMITS: Limits = { valueBytes: MiB, commitBytes: 4 * MiB, commitOps: 1_000, getKeys: 500, getBytes: 8 * MiB };
// #endregion
const PAGE = 1_000;
const LOOK_MS = 20;

export interface LogStoreOptions {
  readonly path: string;
}

/**
 * A store in one append-only file of a local disk, for any number of processes of one machine. Each holds all of it in
 * memory, and the file never shrinks: it is here to be read.
 *
 * @example
 * const motion = new Motion({ store: new LogStore({ path: './data/motion.log' }) });
 */
export class LogStore implements Store {
  readonly limits = LIMITS;
  readonly #log: Log;
  readonly #listeners = new contract.Listeners();
  readonly #underWay = new Set<Promise<unknown>>();
  #looking: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  /** Opens nothing yet. @throws StoreError `invalid` */
  constructor(options: LogStoreOptions) {
    contract.assertOptions('LogStore', options, { path: true });
    const { path } = options;
    if (typeof path !== 'string' || path === '')
      throw new StoreError('invalid', `the option 'path' of LogStore must be a file's path, not ${String(path)}`);
    this.#log = new Log(path, ({ partition }) => this.#listeners.tell(partition));
  }

  // #region get
  get(partition: string, keys: readonly Key[], { known }: { readonly known?: readonly (Revision | undefined)[] } = {}) {
    return this.#call(async (): Promise<Snapshot> => {
      contract.assertGet(partition, keys, LIMITS);
      const { partitions } = await this.#log.upToDate();
      // From here on nothing is awaited: that makes it one snapshot (C4).
      const found = partitions.get(partition);
      let bytes = 0;
      const entries = keys.map((key, i): Got | undefined => {
        const entry = found?.entries.get(key);
        if (!entry || entry.rev === known?.[i]) return entry && { key, rev: entry.rev };
        const value = decoded(entry.value);
        bytes += value.byteLength;
        if (bytes > LIMITS.getBytes) throw new StoreError('too_large', `${partition}: over ${LIMITS.getBytes} bytes`);
        return { key, rev: entry.rev, value };
      });
      const due = found?.due ?? null;
      return { seq: found?.seq ?? 0, dueIn: due === null ? null : due - Date.now(), entries };
    });
  }
  // #endregion

  list(partition: string, range: { readonly prefix: string; readonly after?: Key; readonly limit: number }) {
    return this.#call(async (): Promise<readonly Entry[]> => {
      contract.assertList(partition, range);
      const { prefix, after = '', limit } = range;
      const entries = (await this.#log.upToDate()).partitions.get(partition)?.entries ?? [];
      return [...entries]
        .filter(([key]) => key.startsWith(prefix) && key > after)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, limit)
        .map(([key, { rev, value }]) => ({ key, rev, value: decoded(value) }));
    });
  }

  // #region commit
  commit(partition: string, commit: Commit): Promise<CommitResult> {
    return this.#call(async () => {
      contract.assertCommit(partition, commit, LIMITS);
      const puts = (commit.puts ?? []).map(({ key, value }) => ({ key, value: encoded(value) }));
      const appends = (commit.appends ?? []).map(encoded);
      const logged = { ...commit, puts, appends };
      return this.#log.append((by) => ({ by, at: Date.now(), partition, commit: logged }));
    });
  }
  // #endregion

  scan(query: ScanQuery, cursor?: string): Promise<ScanPage> {
    return this.#call(async () => {
      const contents = await this.#log.upToDate();
      return 'due' in query ? scanDue(contents, query.shard, cursor) : scanPrefix(contents, query.prefix, cursor);
    });
  }

  watch(listener: contract.Listener): () => void {
    this.#assertOpen();
    const look = (): void => void this.#call(() => this.#log.upToDate()).catch(() => undefined);
    this.#looking ??= setInterval(look, LOOK_MS).unref();
    return this.#listeners.add(listener, () => {
      clearInterval(this.#looking);
      this.#looking = undefined;
    });
  }

  cacheGet(partition: string, key: Key): Promise<Uint8Array | undefined> {
    return this.#call(async () => {
      contract.assertGet(partition, [key], LIMITS);
      const cached = (await this.#log.upToDate()).cached.get(partition)?.get(key);
      return cached && cached.until > Date.now() ? decoded(cached.value) : undefined;
    });
  }

  cacheSet(partition: string, key: Key, value: Uint8Array, ttlMs: number): Promise<void> {
    return this.#call(async () => {
      contract.assertCacheable(partition, key, value, ttlMs, LIMITS);
      const cache = [key, encoded(value), Date.now() + ttlMs] as const;
      await this.#log.append((by) => ({ by, partition, cache }));
    });
  }

  cacheClear(partition: string): Promise<void> {
    return this.#call(async () => {
      contract.assertName('partition', partition);
      await this.#log.append((by) => ({ by, partition, cache: null }));
    });
  }

  // #region close
  close(): Promise<void> {
    this.#closing ??= (async () => {
      clearInterval(this.#looking);
      this.#listeners.clear();
      await Promise.allSettled(this.#underWay);
      await this.#log.close();
    })();
    return this.#closing;
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    const call = work();
    this.#underWay.add(call);
    return call.finally(() => this.#underWay.delete(call));
  }
  // #endregion

  #assertOpen(): void {
    if (this.#closing) throw new StoreError('closed', 'this LogStore was closed; make a new one');
  }
}

const encoded = (value: Uint8Array): string =>
  Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
const decoded = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'base64'));

function scanDue({ partitions }: Contents, shard: readonly [number, number] | undefined, cursor?: string): ScanPage {
  const now = Date.now();
  const [afterDue, afterName] = cursor === undefined ? [Number.NEGATIVE_INFINITY, ''] : contract.parseDueCursor(cursor);
  const found: [due: number, name: string][] = [];
  for (const [name, { due }] of partitions)
    if (due !== null && due <= now && (due > afterDue || (due === afterDue && name > afterName)))
      if (!shard || contract.shardOf(name, shard[1]) === shard[0]) found.push([due, name]);
  found.sort(([dueA, a], [dueB, b]) => dueA - dueB || (a < b ? -1 : 1));
  const page = found.slice(0, PAGE);
  const last = found.length > PAGE ? page.at(-1) : undefined;
  return { partitions: page.map(([, name]) => name), ...(last && { cursor: contract.dueCursor(...last) }) };
}

function scanPrefix({ partitions }: Contents, prefix: string, cursor = ''): ScanPage {
  const names: string[] = [];
  for (const [name, { listed }] of partitions) if (listed && name > cursor && name.startsWith(prefix)) names.push(name);
  const page = names.sort().slice(0, PAGE);
  return { partitions: page, ...(names.length > PAGE && { cursor: page.at(-1) as string }) };
}
