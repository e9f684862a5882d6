import type { CommitResult, Entry, Limits, ScanPage, Snapshot, Store } from '@motion-ts/core/store';

/** A store that does everything as another does; subclasses change one thing. */
export class Altered implements Store {
  protected readonly good: Store;

  constructor(good: Store) {
    this.good = good;
  }

  get limits(): Limits {
    return this.good.limits;
  }
  get(...args: Parameters<Store['get']>): Promise<Snapshot> {
    return this.good.get(...args);
  }
  list(...args: Parameters<Store['list']>): Promise<readonly Entry[]> {
    return this.good.list(...args);
  }
  commit(...args: Parameters<Store['commit']>): Promise<CommitResult> {
    return this.good.commit(...args);
  }
  scan(...args: Parameters<Store['scan']>): Promise<ScanPage> {
    return this.good.scan(...args);
  }
  watch(listener: (partition: string | undefined) => void): () => void {
    return this.good.watch?.(listener) ?? (() => {});
  }
  cacheGet(...args: Parameters<Store['cacheGet']>): Promise<Uint8Array | undefined> {
    return this.good.cacheGet(...args);
  }
  cacheSet(...args: Parameters<Store['cacheSet']>): Promise<void> {
    return this.good.cacheSet(...args);
  }
  cacheClear(...args: Parameters<Store['cacheClear']>): Promise<void> {
    return this.good.cacheClear(...args);
  }
  close(): Promise<void> {
    return this.good.close();
  }
}
