import {
  type Commit,
  type CommitResult,
  type Entry,
  type ScanPage,
  type Snapshot,
  type Store,
  StoreError,
} from '@motion-ts/core/store';
import { Altered } from '../broken/altered.js';

/** What is told of a store's calls. */
export interface WatchedListener {
  /** Something that happens under attack, to be counted. */
  counted(what: string): void;
  /** Something that must not happen. */
  wrong(what: string): void;
}

/** How often the calls under way are looked at. */
const LOOK_MS = 100;
/** What one look may add to a call's age: while this process was stopped or starved, nothing could have settled. */
const MOST_A_LOOK_MS = 200;
/** Commits without an answer that are remembered, to see whether they were applied. */
const MOST_REMEMBERED = 1_000;

/** Looks after every call of a store: that it settles in time, and rejects as the contract allows. */
export class Watched extends Altered {
  /** Commits that were applied. */
  commits = 0;
  private readonly settleMs: number;
  private readonly listener: WatchedListener;
  private readonly underWay = new Map<number, { readonly method: string; age: number }>();
  private readonly unknown = new Set<string>();
  /** Of which the store said that they were not applied and never will be. */
  private readonly denied = new Set<string>();
  private calls = 0;

  /** @param settleMs milliseconds within which every call must settle */
  constructor(good: Store, settleMs: number, listener: WatchedListener) {
    super(good);
    this.settleMs = settleMs;
    this.listener = listener;
    let last = performance.now();
    setInterval(() => {
      const now = performance.now();
      this.age(Math.min(now - last, MOST_A_LOOK_MS));
      last = now;
    }, LOOK_MS).unref();
  }

  override get(...args: Parameters<Store['get']>): Promise<Snapshot> {
    return this.watched('get', async () => {
      const snapshot = await this.good.get(...args);
      for (const entry of snapshot.entries) if (entry) this.seen(entry.rev);
      return snapshot;
    });
  }

  override list(...args: Parameters<Store['list']>): Promise<readonly Entry[]> {
    return this.watched('list', () => this.good.list(...args));
  }

  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    try {
      const result = await this.watched('commit', () => this.good.commit(partition, commit));
      if (!result.ok) return result;
      this.commits++;
      // Sent again under its id, and applied now: then the first sending was not.
      this.unknown.delete(commit.id);
      this.denied.delete(commit.id);
      return result;
    } catch (error) {
      if (StoreError.is(error, 'unknown')) {
        if (this.unknown.size < MOST_REMEMBERED) this.unknown.add(commit.id);
        this.denied.delete(commit.id);
      } else if (!this.unknown.has(commit.id) && this.denied.size < MOST_REMEMBERED) this.denied.add(commit.id);
      throw error;
    }
  }

  override scan(...args: Parameters<Store['scan']>): Promise<ScanPage> {
    return this.watched('scan', () => this.good.scan(...args));
  }

  override cacheGet(...args: Parameters<Store['cacheGet']>): Promise<Uint8Array | undefined> {
    return this.watched('cacheGet', () => this.good.cacheGet(...args));
  }

  override cacheSet(...args: Parameters<Store['cacheSet']>): Promise<void> {
    return this.watched('cacheSet', () => this.good.cacheSet(...args));
  }

  override cacheClear(...args: Parameters<Store['cacheClear']>): Promise<void> {
    return this.watched('cacheClear', () => this.good.cacheClear(...args));
  }

  override close(): Promise<void> {
    return this.watched('close', () => this.good.close());
  }

  private async watched<T>(method: string, run: () => Promise<T>): Promise<T> {
    const call = this.calls++;
    this.underWay.set(call, { method, age: 0 });
    try {
      return await run();
    } catch (error) {
      if (!StoreError.is(error))
        this.listener.wrong(`${method} rejected with ${String(error)}, which is no StoreError`);
      else if (error.code === 'unknown' && method === 'commit') this.listener.counted('unknown outcomes');
      else if (error.code === 'unavailable') this.listener.counted('unavailable');
      else if (error.code !== 'closed') this.listener.wrong(`${method} rejected with ${error.code}: ${error.message}`);
      throw error;
    } finally {
      this.underWay.delete(call);
    }
  }

  private seen(rev: string): void {
    if (this.unknown.delete(rev)) this.listener.counted('unknown but applied');
    if (this.denied.delete(rev))
      this.listener.wrong('a commit was applied of which the store said that it never will be');
  }

  private age(ms: number): void {
    for (const call of this.underWay.values()) {
      const before = call.age;
      call.age += ms;
      if (before <= this.settleMs && call.age > this.settleMs)
        this.listener.wrong(`${call.method} has not settled after ${Math.round(call.age)} ms`);
    }
  }
}
