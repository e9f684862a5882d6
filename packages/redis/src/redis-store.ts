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
  type Revision,
  type ScanPage,
  type ScanQuery,
  type Snapshot,
  type Store,
  StoreError,
} from '@motion-ts/core/store';
import { Calls } from './calls.js';
import { commitArguments, commitResult, touchesHead } from './commit.js';
import { Connection } from './connection.js';
import { Hints } from './hints.js';
import { Keys, LIMITS } from './layout.js';
import { checkOptions, type RedisStoreOptions } from './options.js';
import { Scanner } from './scan.js';
import { scripts } from './scripts/script.js';
import { bytesFrom, entriesOf, snapshotOf } from './snapshot.js';
import { StartUp } from './start-up.js';

/** Entries of one page of a list, at most. */
const PAGE = 500;
const SPACE = 0x20;
/** Forever, as far as a cache goes: a year. */
const MAX_TTL_MS = 365 * 24 * 3_600_000;

/**
 * A store in Redis 7 or newer, Valkey, or a Redis Cluster, through ioredis. Any number of processes share a namespace.
 *
 * It connects at the first call, and checks the server's settings. What a commit survives is up to them: see the README.
 *
 * @example
 * const motion = new Motion({ store: new RedisStore({ url: 'redis://localhost:6379' }) });
 */
export class RedisStore implements Store {
  readonly limits: Limits = LIMITS;
  readonly #keys: Keys;
  readonly #connection: Connection;
  readonly #calls: Calls;
  readonly #scanner: Scanner;
  readonly #hints: Hints;
  #closing: Promise<void> | undefined;

  /**
   * Connects to nothing yet.
   *
   * @throws StoreError `invalid` for options that make no sense
   */
  constructor(options: RedisStoreOptions) {
    const checked = checkOptions(options);
    this.#keys = new Keys(checked.namespace);
    this.#connection = new Connection(checked);
    const { client } = this.#connection;
    this.#calls = new Calls(this.#connection, new StartUp(client, this.#keys, checked.onWarning), checked);
    this.#scanner = new Scanner(client, this.#calls, this.#keys);
    this.#hints = new Hints(this.#connection, this.#keys.channel);
  }

  /**
   * Connects and checks the server, as the first call would: for an app that wants to fail at its start.
   *
   * @throws StoreError `invalid` if the server or its settings do not do, `unavailable` if it cannot be reached
   */
  async open(): Promise<void> {
    this.#assertOpen();
    await this.#calls.open();
  }

  async get(
    partition: string,
    keys: readonly Key[],
    options?: { readonly known?: readonly (Revision | undefined)[] },
  ): Promise<Snapshot> {
    this.#assertOpen();
    assertGet(partition, keys, LIMITS);
    const known = options?.known;
    const args: string[] = [String(LIMITS.getBytes), ...keys];
    for (let i = 0; i < keys.length; i++) args.push(known?.[i] ?? '');
    const what = (): string => `get of ${keys.length} keys in ${partition}`;
    const answer = await this.#calls.run({ script: scripts.get, keys: [this.#keys.entries(partition)], args, what });
    return snapshotOf(answer, partition, keys, known);
  }

  async list(
    partition: string,
    range: { readonly prefix: string; readonly after?: Key; readonly limit: number },
  ): Promise<readonly Entry[]> {
    this.#assertOpen();
    assertList(partition, range);
    const { prefix, after, limit } = range;
    const behind = after !== undefined && after >= prefix;
    const answer = await this.#calls.run({
      script: scripts.list,
      keys: this.#keys.all(partition).slice(0, 2),
      args: [
        behind ? `(${after}` : prefix === '' ? '-' : `[${prefix}`,
        // Keys end at \x7e.
        prefix === '' ? '+' : `(${prefix}\x7f`,
        String(Math.min(Math.floor(limit), PAGE)),
        String(LIMITS.getBytes),
      ],
      what: () => `list of ${prefix} in ${partition}`,
    });
    return entriesOf(answer, partition);
  }

  async commit(partition: string, commit: Commit): Promise<CommitResult> {
    this.#assertOpen();
    assertCommit(partition, commit, LIMITS);
    const keys = this.#keys.all(partition);
    const answer = await this.#calls.run({
      script: scripts.commit,
      keys: touchesHead(commit) ? keys : keys.slice(0, 2),
      args: commitArguments(partition, commit),
      once: true,
      what: () => `commit ${commit.id} in ${partition}`,
    });
    const result = commitResult(answer, commit);
    if (result.ok) this.#hints.changed(partition);
    return result;
  }

  async scan(query: ScanQuery, cursor?: string): Promise<ScanPage> {
    this.#assertOpen();
    return this.#scanner.scan(query, cursor);
  }

  /** @throws StoreError `closed` */
  watch(listener: (partition: string | undefined) => void): () => void {
    this.#assertOpen();
    return this.#hints.add(listener);
  }

  async cacheGet(partition: string, key: Key): Promise<Uint8Array | undefined> {
    this.#assertOpen();
    assertGet(partition, [key], LIMITS);
    const cached = (await this.#calls.run({
      script: scripts.cacheGet,
      keys: [this.#keys.cache(partition)],
      args: [key],
      what: () => `cacheGet of ${key} in ${partition}`,
    })) as Buffer | null;
    return cached === null ? undefined : bytesFrom(cached, cached.indexOf(SPACE) + 1);
  }

  async cacheSet(partition: string, key: Key, value: Uint8Array, ttlMs: number): Promise<void> {
    this.#assertOpen();
    assertCacheable(partition, key, value, ttlMs, LIMITS);
    await this.#calls.run({
      script: scripts.cacheSet,
      keys: [this.#keys.cache(partition)],
      args: [key, Buffer.from(value), String(Math.round(Math.min(ttlMs, MAX_TTL_MS)))],
      what: () => `cacheSet of ${key} in ${partition}`,
    });
  }

  async cacheClear(partition: string): Promise<void> {
    this.#assertOpen();
    assertName('partition', partition);
    await this.#calls.run({
      script: scripts.cacheClear,
      keys: [this.#keys.cache(partition)],
      args: [],
      what: () => `cacheClear of ${partition}`,
    });
  }

  /** Lets the calls under way settle, then closes the connections; a `client` that the caller gave stays open. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#calls.idle();
    this.#hints.close();
    this.#connection.close();
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new StoreError('closed', 'this RedisStore was closed; make a new one');
  }
}
