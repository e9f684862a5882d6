import type {
  Commit,
  CommitResult,
  Entry,
  Key,
  Limits,
  Revision,
  ScanPage,
  ScanQuery,
  Snapshot,
  Store,
} from '@motion-ts/core/store';

type Method = 'get' | 'list' | 'commit' | 'scan' | 'cacheGet' | 'cacheSet' | 'cacheClear';

/** A store that writes down what it was asked, and fails when it is told to. */
export class RecordingStore implements Store {
  readonly limits: Limits;
  readonly inner: Store;
  readonly calls: Map<Method, number> = new Map();
  readonly commits: { readonly partition: string; readonly commit: Commit; readonly result: CommitResult }[] = [];
  readonly gets: { readonly partition: string; readonly keys: readonly Key[] }[] = [];
  /** Called first: what it throws is what the call rejects with. */
  before: (method: Method, partition: string, detail: unknown) => unknown = () => undefined;
  /** Called when a commit was applied or refused: what it throws, the caller gets instead of the result. */
  afterCommit: (commit: Commit, result: CommitResult) => unknown = () => undefined;
  /** Called when a get has its answer: it may give another. */
  afterGet: (got: Snapshot, keys: readonly Key[]) => Snapshot | Promise<Snapshot> = (got) => got;

  constructor(inner: Store, limits: Partial<Limits> = {}) {
    this.inner = inner;
    this.limits = { ...inner.limits, ...limits };
  }

  /** From now on. */
  forget(): void {
    this.calls.clear();
    this.commits.length = 0;
    this.gets.length = 0;
  }

  count(method: Method): number {
    return this.calls.get(method) ?? 0;
  }

  /** Keys that applied commits put, in order. */
  get puts(): Key[] {
    return this.applied.flatMap(({ puts = [] }) => puts.map(({ key }) => key));
  }

  get applied(): Commit[] {
    return this.commits.filter(({ result }) => result.ok).map(({ commit }) => commit);
  }

  /** Bytes of values that applied commits wrote. */
  get bytesWritten(): number {
    let bytes = 0;
    for (const { puts = [], appends = [] } of this.applied)
      for (const value of [...puts.map((put) => put.value), ...appends]) bytes += value.byteLength;
    return bytes;
  }

  async get(
    partition: string,
    keys: readonly Key[],
    options?: { readonly known?: readonly (Revision | undefined)[] },
  ): Promise<Snapshot> {
    await this.note('get', partition, keys);
    this.gets.push({ partition, keys });
    return this.afterGet(await this.inner.get(partition, keys, options), keys);
  }

  async list(
    partition: string,
    range: { readonly prefix: string; readonly after?: Key; readonly limit: number },
  ): Promise<readonly Entry[]> {
    await this.note('list', partition, range);
    return this.inner.list(partition, range);
  }

  async commit(partition: string, commit: Commit): Promise<CommitResult> {
    await this.note('commit', partition, commit);
    const result = await this.inner.commit(partition, commit);
    this.commits.push({ partition, commit, result });
    await this.afterCommit(commit, result);
    return result;
  }

  async scan(query: ScanQuery, cursor?: string): Promise<ScanPage> {
    await this.note('scan', '', query);
    return this.inner.scan(query, cursor);
  }

  watch(listener: (partition: string | undefined) => void): () => void {
    return this.inner.watch?.(listener) ?? (() => undefined);
  }

  async cacheGet(partition: string, key: Key): Promise<Uint8Array | undefined> {
    await this.note('cacheGet', partition, key);
    return this.inner.cacheGet(partition, key);
  }

  async cacheSet(partition: string, key: Key, value: Uint8Array, ttlMs: number): Promise<void> {
    await this.note('cacheSet', partition, key);
    return this.inner.cacheSet(partition, key, value, ttlMs);
  }

  async cacheClear(partition: string): Promise<void> {
    await this.note('cacheClear', partition, undefined);
    return this.inner.cacheClear(partition);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  private async note(method: Method, partition: string, detail: unknown): Promise<void> {
    this.calls.set(method, this.count(method) + 1);
    await this.before(method, partition, detail);
  }
}
