import { type Commit, type CommitResult, type Snapshot, type Store, StoreError } from '@motion-ts/core/store';
import { Altered } from '../broken/altered.js';

/** What may stand between a Motion and its store. */

/** Until it is mended, a line that was cut lets nothing through: for all others its process is gone. */
export class Line extends Altered {
  private isCut = false;

  cut(): void {
    this.isCut = true;
  }
  mend(): void {
    this.isCut = false;
  }
  override get(...args: Parameters<Store['get']>): ReturnType<Store['get']> {
    return this.through(() => super.get(...args));
  }
  override list(...args: Parameters<Store['list']>): ReturnType<Store['list']> {
    return this.through(() => super.list(...args));
  }
  override commit(...args: Parameters<Store['commit']>): Promise<CommitResult> {
    return this.through(() => super.commit(...args));
  }
  override scan(...args: Parameters<Store['scan']>): ReturnType<Store['scan']> {
    return this.through(() => super.scan(...args));
  }
  override cacheGet(...args: Parameters<Store['cacheGet']>): ReturnType<Store['cacheGet']> {
    return this.through(() => super.cacheGet(...args));
  }
  override cacheSet(...args: Parameters<Store['cacheSet']>): Promise<void> {
    return this.through(() => super.cacheSet(...args));
  }

  private async through<T>(call: () => Promise<T>): Promise<T> {
    if (this.isCut) throw new StoreError('unavailable', 'the line is cut');
    return call();
  }
}

/** Of every five commits one loses its answer, and one does not get there at first. */
export class Lossy extends Altered {
  private sent = 0;

  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    const n = this.sent++ % 5;
    if (n === 1) throw new StoreError('unknown', 'the request was lost');
    const result = await super.commit(partition, commit);
    if (n === 3) throw new StoreError('unknown', 'the answer was lost');
    return result;
  }
}

/** It counts what travels. */
export class Metered extends Altered {
  commits = 0;
  bytesWritten = 0;
  bytesRead = 0;

  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    this.commits++;
    const { puts = [], appends = [] } = commit;
    for (const value of [...puts.map((put) => put.value), ...appends]) this.bytesWritten += value.byteLength;
    return super.commit(partition, commit);
  }
  override async get(...args: Parameters<Store['get']>): Promise<Snapshot> {
    const snapshot = await super.get(...args);
    for (const entry of snapshot.entries) this.bytesRead += entry?.value?.byteLength ?? 0;
    return snapshot;
  }
}

/** A scan finds nothing unless a hint came since the last one. */
export class HintsAlone extends Altered {
  private hinted = false;

  override watch(listener: (partition: string | undefined) => void): () => void {
    return super.watch((partition) => {
      this.hinted = true;
      listener(partition);
    });
  }
  override async scan(...args: Parameters<Store['scan']>): ReturnType<Store['scan']> {
    if (!this.hinted) return { partitions: [] };
    const page = await super.scan(...args);
    this.hinted = page.cursor !== undefined;
    return page;
  }
}

/** The same store, without its hints. */
export function withoutHints(store: Store): Store {
  return Object.defineProperty(new Altered(store), 'watch', { value: undefined });
}
