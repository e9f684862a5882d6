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
import { aloneRequest, Calls } from './calls.js';
import { CommitRequest } from './commit.js';
import { Connection } from './connection.js';
import { Hints } from './hints.js';
import { Keys, LIMITS } from './layout.js';
import { checkOptions, type RedisStoreOptions } from './options.js';
import { Scanner } from './scan.js';
import { type Script, scripts } from './scripts/script.js';
import { ServerClock } from './server-clock.js';
import { bytesFrom, entriesOf, GetRequest } from './snapshot.js';
import { StartUp } from './start-up.js';
import { type Word, wordsOf } from './words.js';

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
  readonly #clock: ServerClock = new ServerClock();
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

  get(
    partition: string,
    keys: readonly Key[],
    options?: { readonly known?: readonly (Revision | undefined)[] },
  ): Promise<Snapshot> {
    try {
      this.#assertOpen();
      assertGet(partition, keys, LIMITS);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#calls.run(new GetRequest(partition, this.#keys.entries(partition), keys, options?.known, this.#clock));
  }

  async list(
    partition: string,
    range: { readonly prefix: string; readonly after?: Key; readonly limit: number },
  ): Promise<readonly Entry[]> {
    this.#assertOpen();
    assertList(partition, range);
    const { prefix, after, limit } = range;
    const behind = after !== undefined && after >= prefix;
    return this.#calls.run(
      aloneRequest({
        script: scripts.list,
        keys: () => this.#keys.all(partition).slice(0, 2),
        words: wordsOf(
          behind ? `(${after}` : prefix === '' ? '-' : `[${prefix}`,
          // Keys end at \x7e.
          prefix === '' ? '+' : `(${prefix}\x7f`,
          Math.min(Math.floor(limit), PAGE),
          LIMITS.getBytes,
        ),
        read: (answer) => entriesOf(answer, partition),
        what: () => `list of ${prefix} in ${partition}`,
      }),
    );
  }

  async commit(partition: string, commit: Commit): Promise<CommitResult> {
    this.#assertOpen();
    assertCommit(partition, commit, LIMITS);
    const result = await this.#calls.run(new CommitRequest(partition, this.#keys, commit));
    if (result.ok) this.#hints.changed(partition);
    return result;
  }

  async scan(query: ScanQuery, cursor?: string): Promise<ScanPage> {
    this.#assertOpen();
    return this.#scanner.scan(query, cursor);
  }

  /** @throws StoreError `closed` */
  watch(listener: Listener): () => void {
    this.#assertOpen();
    return this.#hints.add(listener);
  }

  async cacheGet(partition: string, key: Key): Promise<Uint8Array | undefined> {
    this.#assertOpen();
    assertGet(partition, [key], LIMITS);
    return this.#cached(scripts.cacheGet, partition, wordsOf(key), `cacheGet of ${key}`);
  }

  async cacheSet(partition: string, key: Key, value: Uint8Array, ttlMs: number): Promise<void> {
    this.#assertOpen();
    assertCacheable(partition, key, value, ttlMs, LIMITS);
    const words = wordsOf(key, Math.round(Math.min(ttlMs, MAX_TTL_MS)), value.byteLength);
    await this.#cached(scripts.cacheSet, partition, words, `cacheSet of ${key}`, Buffer.from(value));
  }

  async cacheClear(partition: string): Promise<void> {
    this.#assertOpen();
    assertName('partition', partition);
    await this.#cached(scripts.cacheClear, partition, [], 'cacheClear');
  }

  #cached(
    script: Script,
    partition: string,
    words: readonly Word[],
    what: string,
    values?: Buffer,
  ): Promise<Uint8Array | undefined> {
    return this.#calls.run(
      aloneRequest({
        script,
        keys: () => [this.#keys.cache(partition)],
        words,
        ...(values && { values }),
        read: (answer) => (answer instanceof Buffer ? bytesFrom(answer, answer.indexOf(SPACE) + 1) : undefined),
        what: () => `${what} in ${partition}`,
      }),
    );
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
