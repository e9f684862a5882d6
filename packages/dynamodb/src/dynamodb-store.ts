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
import { Commits } from './commits.js';
import { LIMITS } from './limits.js';
import { Line } from './line.js';
import { Opener } from './opener.js';
import { type CheckedOptions, checkOptions, type DynamoDBStoreOptions } from './options.js';
import { copyOf } from './plan.js';
import { Reader } from './reader.js';
import { type Call, Requests } from './requests.js';
import { ResultCache } from './result-cache.js';
import { Scanner } from './scanner.js';
import { Seqs } from './seqs.js';
import { Layout } from './table.js';

/**
 * A store in a table of Amazon DynamoDB, through the AWS SDK v3. Any number of processes on any machines may use one table.
 *
 * The table is made by `createTable`, or by CloudFormation or Terraform. It is looked at when the first call comes.
 *
 * @example
 * const store = new DynamoDBStore({ config: { region: 'eu-central-1' }, tableName: 'motion' });
 * const motion = new Motion({ store });
 */
export class DynamoDBStore implements Store {
  readonly limits: Limits = LIMITS;
  readonly #options: CheckedOptions;
  readonly #opener: Opener;
  readonly #reader: Reader;
  readonly #commits: Commits;
  readonly #scanner: Scanner;
  readonly #cache: ResultCache;
  readonly #line = new Line();
  readonly #underWay: Set<Promise<unknown>> = new Set();
  #closing: Promise<void> | undefined;

  /**
   * Opens nothing yet.
   *
   * @throws StoreError `invalid` for options that make no sense
   */
  constructor(options: DynamoDBStoreOptions = {}) {
    this.#options = checkOptions(options);
    const { client, tableName, namespace } = this.#options;
    const requests = new Requests(client, tableName);
    const layout = new Layout(tableName, namespace);
    const seqs = new Seqs();
    this.#opener = new Opener(requests, tableName);
    this.#reader = new Reader(requests, layout, seqs);
    this.#commits = new Commits(requests, layout, seqs);
    this.#scanner = new Scanner(requests, layout);
    this.#cache = new ResultCache(requests, layout);
  }

  /**
   * Does what the first call would do: looks at the table. For an app that wants to fail at its start.
   *
   * @throws StoreError `invalid`: no table, another one, no credentials; `unavailable`; `closed`
   */
  async open(): Promise<void> {
    await this.#run('open', false, async () => {});
  }

  async get(
    partition: string,
    keys: readonly Key[],
    options?: { readonly known?: readonly (Revision | undefined)[] },
  ): Promise<Snapshot> {
    this.#assertOpen();
    assertGet(partition, keys, LIMITS);
    return this.#run(`get of ${keys.length} keys in ${partition}`, false, (call) =>
      this.#reader.get(partition, keys, options?.known, call),
    );
  }

  async list(
    partition: string,
    range: { readonly prefix: string; readonly after?: Key; readonly limit: number },
  ): Promise<readonly Entry[]> {
    this.#assertOpen();
    assertList(partition, range);
    return this.#run(`list of ${range.prefix} in ${partition}`, false, (call) =>
      this.#reader.list(partition, range, call),
    );
  }

  async commit(partition: string, commit: Commit): Promise<CommitResult> {
    this.#assertOpen();
    assertCommit(partition, commit, LIMITS);
    // Copied before anything is awaited: the caller may change its bytes as soon as this returns.
    const copy = copyOf(commit);
    const { puts = [], appends = [], deletes = [], due, drop } = copy;
    if (drop && puts.length + appends.length > 0)
      throw new StoreError('invalid', `drop of ${partition} would leave what the same commit writes`);
    const writes = puts.length + appends.length + deletes.length > 0 || due !== undefined || drop === true;
    return this.#run(`commit ${commit.id} in ${partition}`, writes, (call) =>
      writes
        ? this.#line.inTurn(partition, () => this.#commits.apply(partition, copy, call))
        : this.#judge(partition, copy, call),
    );
  }

  /** A commit that writes nothing is a look at what it checks. */
  async #judge(partition: string, { checks = [], seqIs }: Commit, call: Call): Promise<CommitResult> {
    if (checks.length === 0 && seqIs === undefined) return { ok: true };
    const keys = checks.map(({ key }) => key);
    const revisions = checks.map(({ rev }) => rev ?? undefined);
    const { seq, entries } = await this.#reader.get(partition, keys, revisions, call);
    const failed = keys.filter((_, i) => entries[i]?.rev !== revisions[i]);
    if (seqIs !== undefined && seqIs !== seq) failed.push('#seq');
    return failed.length > 0 ? { ok: false, failed } : { ok: true };
  }

  async scan(query: ScanQuery, cursor?: string): Promise<ScanPage> {
    this.#assertOpen();
    return this.#run(`scan of ${JSON.stringify(query)}`, false, (call) => this.#scanner.scan(query, cursor, call));
  }

  async cacheGet(partition: string, key: Key): Promise<Uint8Array | undefined> {
    this.#assertOpen();
    assertGet(partition, [key], LIMITS);
    return this.#run(`cacheGet of ${key} in ${partition}`, false, (call) => this.#cache.get(partition, key, call));
  }

  async cacheSet(partition: string, key: Key, value: Uint8Array, ttlMs: number): Promise<void> {
    this.#assertOpen();
    assertCacheable(partition, key, value, ttlMs, LIMITS);
    const copy = new Uint8Array(value);
    await this.#run(`cacheSet of ${key} in ${partition}`, false, (call) =>
      this.#cache.set(partition, key, copy, ttlMs, call),
    );
  }

  async cacheClear(partition: string): Promise<void> {
    this.#assertOpen();
    assertName('partition', partition);
    await this.#run(`cacheClear of ${partition}`, false, (call) => this.#cache.clear(partition, call));
  }

  /** Lets the calls under way settle; then frees the connections, but not of a `client` that the caller gave. */
  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#underWay).then(() => {
      if (this.#options.ownClient) this.#options.client.destroy();
    });
    return this.#closing;
  }

  /** @param writes a commit that changes something: other writes may be sent again */
  async #run<T>(what: string, writes: boolean, run: (call: Call) => Promise<T>): Promise<T> {
    this.#assertOpen();
    const { timeoutMs } = this.#options;
    const call: Call = { what, deadline: performance.now() + timeoutMs, writes };
    const running = this.#opener.open(timeoutMs).then(() => run(call));
    this.#underWay.add(running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(running);
    }
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new StoreError('closed', 'this DynamoDBStore was closed; make a new one');
  }
}
