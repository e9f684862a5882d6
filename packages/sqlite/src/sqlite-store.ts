import {
  assertCacheable,
  assertCommit,
  assertGet,
  assertList,
  assertName,
  type Commit,
  type CommitResult,
  type Entry,
  type Key,
  type Limits,
  type Listener,
  type Revision,
  type ScanPage,
  type ScanQuery,
  type Snapshot,
  type Store,
  StoreError,
} from '@motion-ts/core/store';
import { copyOf, LIMITS, type OwnCommit } from './arguments.js';
import { isBusy, storeError } from './failure.js';
import type { Opened } from './opened.js';
import { Opener } from './opener.js';
import { checkOptions, type SqliteStoreOptions } from './options.js';
import { deadlineIn, patiently } from './patience.js';
import { Watchers } from './watchers.js';

/**
 * A store in a SQLite file, through better-sqlite3. Any number of processes of one machine may use one file.
 *
 * The file is opened at the first call. Commits that are made in the same turn share one transaction. At
 * `synchronous: 'FULL'`, the default, a commit that resolved survives a power loss.
 *
 * @example
 * const motion = new Motion({ store: new SqliteStore({ path: './data/motion.db' }) });
 */
export class SqliteStore implements Store {
  readonly limits: Limits = LIMITS;
  readonly #timeoutMs: number;
  readonly #opener: Opener;
  readonly #watchers = new Watchers();
  #opened: Opened | undefined;
  /** Calls that had to wait for the opening or for a lock. */
  readonly #underWay: Set<Promise<unknown>> = new Set();
  #closing: Promise<void> | undefined;

  /**
   * Opens nothing yet.
   *
   * @throws StoreError `invalid` for options that make no sense
   */
  constructor(options: SqliteStoreOptions) {
    const checked = checkOptions(options);
    this.#timeoutMs = checked.timeoutMs;
    this.#opener = new Opener(checked, this.#watchers);
  }

  get(
    partition: string,
    keys: readonly Key[],
    options?: { readonly known?: readonly (Revision | undefined)[] },
  ): Promise<Snapshot> {
    return this.#read(
      () => assertGet(partition, keys, LIMITS),
      (opened) => opened.get(partition, keys, options?.known),
      () => `get of ${keys.length} keys in ${partition}`,
    );
  }

  list(
    partition: string,
    range: { readonly prefix: string; readonly after?: Key; readonly limit: number },
  ): Promise<readonly Entry[]> {
    const { prefix, after, limit } = range;
    return this.#read(
      () => assertList(partition, range),
      (opened) => opened.walker.list(partition, prefix, after, limit),
      () => `list of ${prefix} in ${partition}`,
    );
  }

  commit(partition: string, commit: Commit): Promise<CommitResult> {
    let copy: OwnCommit;
    try {
      this.#assertOpen();
      assertCommit(partition, commit, LIMITS);
      // Copied before anything is awaited: the caller may change its bytes as soon as this returns.
      copy = copyOf(commit);
    } catch (error) {
      return Promise.reject(error);
    }
    const deadline = deadlineIn(this.#timeoutMs);
    if (this.#opened !== undefined) return this.#opened.commit(partition, copy, deadline);
    return this.#track(this.#open().then((opened) => opened.commit(partition, copy, deadline)));
  }

  scan(query: ScanQuery, cursor?: string): Promise<ScanPage> {
    return this.#read(
      () => {},
      (opened) => opened.scan(query, cursor, deadlineIn(this.#timeoutMs)),
      () => `scan of ${JSON.stringify(query)}`,
    );
  }

  /** @throws StoreError `closed` */
  watch(listener: Listener): () => void {
    this.#assertOpen();
    // What makes it fail will reject the first call that needs the file.
    if (this.#opened === undefined) this.#open().catch(() => {});
    return this.#watchers.add(listener);
  }

  cacheGet(partition: string, key: Key): Promise<Uint8Array | undefined> {
    return this.#read(
      () => assertGet(partition, [key], LIMITS),
      (opened) => opened.cache.get(partition, key),
      () => `cacheGet of ${key} in ${partition}`,
    );
  }

  async cacheSet(partition: string, key: Key, value: Uint8Array, ttlMs: number): Promise<void> {
    this.#assertOpen();
    assertCacheable(partition, key, value, ttlMs, LIMITS);
    const deadline = deadlineIn(this.#timeoutMs);
    const expires = Math.ceil(Date.now() + ttlMs);
    const copy = new Uint8Array(value);
    const opened = this.#opened ?? (await this.#open());
    await opened.write(
      () => `cacheSet of ${key} in ${partition}`,
      copy.byteLength,
      deadline,
      () => opened.cache.set(partition, key, copy, expires),
    );
  }

  async cacheClear(partition: string): Promise<void> {
    this.#assertOpen();
    assertName('partition', partition);
    const deadline = deadlineIn(this.#timeoutMs);
    const opened = this.#opened ?? (await this.#open());
    await opened.write(
      () => `cacheClear of ${partition}`,
      0,
      deadline,
      () => opened.cache.clear(partition),
    );
  }

  /** Lets the calls under way settle, then closes the file; a `database` that the caller gave stays open. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#watchers.stop();
    await Promise.allSettled(this.#underWay);
    await this.#opened?.group.idle();
    this.#opener.close();
  }

  async #read<T>(check: () => void, read: (opened: Opened) => T, what: () => string): Promise<T> {
    this.#assertOpen();
    check();
    const opened = this.#opened ?? (await this.#open());
    try {
      opened.assertReadable();
      return read(opened);
    } catch (error) {
      if (!isBusy(error)) throw storeError(error, what());
    }
    return this.#track(
      patiently(what(), deadlineIn(this.#timeoutMs), () => {
        opened.assertReadable();
        return read(opened);
      }),
    );
  }

  async #open(): Promise<Opened> {
    const opened = await this.#track(this.#opener.open());
    this.#opened = opened;
    return opened;
  }

  async #track<T>(call: Promise<T>): Promise<T> {
    this.#underWay.add(call);
    try {
      return await call;
    } finally {
      this.#underWay.delete(call);
    }
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new StoreError('closed', 'this SqliteStore was closed; make a new one');
  }
}
