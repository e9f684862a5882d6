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
import { Commits } from './commits.js';
import { Connections } from './connections.js';
import { isMissing, storeError } from './failure.js';
import { LIMITS } from './limits.js';
import { Opener } from './opener.js';
import { checkOptions, type PostgresStoreOptions } from './options.js';
import { ResultCache } from './result-cache.js';
import { Snapshots } from './snapshots.js';
import { statementsFor } from './statements.js';
import { Walker } from './walker.js';
import { Watchers } from './watchers.js';

/**
 * A store in a PostgreSQL database, through pg.
 *
 * The first call connects, and makes the schema if it is not there. Calls that wait for a connection share statements.
 *
 * @example
 * const motion = new Motion({ store: new PostgresStore({ url: 'postgres://app:secret@localhost/app' }) });
 */
export class PostgresStore implements Store {
  readonly limits: Limits = LIMITS;
  readonly #timeoutMs: number;
  readonly #connections: Connections;
  readonly #opener: Opener;
  readonly #commits: Commits;
  readonly #snapshots: Snapshots;
  readonly #walker: Walker;
  readonly #cache: ResultCache;
  readonly #watchers: Watchers;
  #opened = false;
  #underWay = 0;
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Connects to nothing yet.
   *
   * @throws StoreError `invalid` for options that make no sense
   */
  constructor(options: PostgresStoreOptions) {
    const checked = checkOptions(options);
    const { namespace, timeoutMs } = checked;
    const statements = statementsFor(namespace);
    const onError = (error: unknown): void => this.#failed(error);
    this.#timeoutMs = timeoutMs;
    this.#connections = new Connections(checked);
    // Few lanes make full batches; what is left serves all other calls.
    const lanes = Math.max(1, Math.min(4, Math.floor(this.#connections.size / 3)));
    this.#opener = new Opener(checked, this.#connections, statements);
    this.#commits = new Commits(this.#connections, lanes, statements.commit, onError);
    this.#snapshots = new Snapshots(this.#connections, lanes, statements, LIMITS, onError);
    this.#walker = new Walker(this.#connections, statements);
    this.#cache = new ResultCache(this.#connections, statements);
    this.#watchers = new Watchers(this.#connections, statements, namespace, timeoutMs);
  }

  /**
   * Does what the first call would do: connects, and makes the schema if it is not there. Not needed; it lets an
   * application that cannot work fail when it starts.
   *
   * @throws StoreError `invalid`, `unavailable`
   */
  open(): Promise<void> {
    return this.#call(
      () => {},
      () => Promise.resolve(),
      () => 'opening',
    );
  }

  get(
    partition: string,
    keys: readonly Key[],
    options?: { readonly known?: readonly (Revision | undefined)[] },
  ): Promise<Snapshot> {
    return this.#call(
      () => assertGet(partition, keys, LIMITS),
      (deadline) => this.#snapshots.get(partition, keys, options?.known, deadline),
      () => `get of ${keys.length} keys in ${partition}`,
    );
  }

  list(
    partition: string,
    range: { readonly prefix: string; readonly after?: Key; readonly limit: number },
  ): Promise<readonly Entry[]> {
    const { prefix, after, limit } = range;
    return this.#call(
      () => assertList(partition, range),
      (deadline) => this.#walker.list(partition, prefix, after, limit, deadline),
      () => `list of ${prefix} in ${partition}`,
    );
  }

  async commit(partition: string, commit: Commit): Promise<CommitResult> {
    let copy: Commit | undefined;
    const result = await this.#call(
      () => {
        assertCommit(partition, commit, LIMITS);
        // Copied before anything is awaited: the caller may change its bytes as soon as this returns.
        copy = copyOf(commit);
      },
      (deadline) => this.#commits.add(partition, copy as Commit, deadline),
      () => `commit ${commit.id} in ${partition}`,
    );
    if (result.ok) this.#watchers.changed(partition);
    return result;
  }

  scan(query: ScanQuery, cursor?: string): Promise<ScanPage> {
    return this.#call(
      () => {},
      (deadline) => this.#walker.scan(query, cursor, deadline),
      () => `scan of ${JSON.stringify(query)}`,
    );
  }

  /** @throws StoreError `closed` */
  watch(listener: Listener): () => void {
    this.#assertOpen();
    return this.#watchers.add(listener);
  }

  cacheGet(partition: string, key: Key): Promise<Uint8Array | undefined> {
    return this.#call(
      () => assertGet(partition, [key], LIMITS),
      (deadline) => this.#cache.get(partition, key, deadline),
      () => `cacheGet of ${key} in ${partition}`,
    );
  }

  cacheSet(partition: string, key: Key, value: Uint8Array, ttlMs: number): Promise<void> {
    let copy: Buffer | undefined;
    return this.#call(
      () => {
        assertCacheable(partition, key, value, ttlMs, LIMITS);
        copy = Buffer.from(value);
      },
      (deadline) => this.#cache.set(partition, key, copy as Buffer, ttlMs, deadline),
      () => `cacheSet of ${key} in ${partition}`,
    );
  }

  cacheClear(partition: string): Promise<void> {
    return this.#call(
      () => assertName('partition', partition),
      (deadline) => this.#cache.clear(partition, deadline),
      () => `cacheClear of ${partition}`,
    );
  }

  /** Lets the calls under way settle, then ends the store's own connections; a `pool` that the caller gave stays. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#underWay > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    await this.#watchers.close();
    await this.#connections.end();
  }

  /** @param check runs within the caller's turn */
  async #call<T>(check: () => void, run: (deadline: number) => Promise<T>, what: () => string): Promise<T> {
    this.#assertOpen();
    check();
    const deadline = performance.now() + this.#timeoutMs;
    this.#underWay++;
    try {
      if (!this.#opened) {
        await this.#opener.open(deadline);
        this.#opened = true;
      }
      return await run(deadline);
    } catch (error) {
      this.#failed(error);
      throw storeError(error, what(), this.#connections.where, false);
    } finally {
      if (--this.#underWay === 0) this.#idle?.();
    }
  }

  /** A schema that was dropped under our feet is looked for again by the next call. */
  #failed(error: unknown): void {
    if (!isMissing(error)) return;
    this.#opened = false;
    this.#opener.forget();
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new StoreError('closed', 'this PostgresStore was closed; make a new one');
  }
}

/** `Buffer.from(bytes)` copies. */
function copyOf(commit: Commit): Commit {
  return {
    ...commit,
    puts: commit.puts?.map(({ key, value }) => ({ key, value: Buffer.from(value) })),
    appends: commit.appends?.map((value) => Buffer.from(value)),
  };
}
