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
/** Commits that are remembered, to see whether they were applied after all. */
const MOST_REMEMBERED = 1_000;

/** A commit, however often it was sent. */
interface Sent {
  /** What became of one of its sendings is unknown. Otherwise none was applied, nor ever will be. */
  unknown: boolean;
  underWay: number;
  /** It was seen to be applied. */
  told: boolean;
}

/** Looks after every call of a store: that it settles in time, and rejects as the contract allows. */
export class Watched extends Altered {
  /** Commits that were applied. */
  commits = 0;
  private readonly settleMs: number;
  private readonly listener: WatchedListener;
  private readonly underWay = new Map<number, { readonly method: string; age: number }>();
  /** Commits that did not resolve as applied, by their ids. */
  private readonly unapplied = new Map<string, Sent>();
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
    const sent = this.sent(commit.id);
    sent.underWay++;
    try {
      const result = await this.watched('commit', () => this.good.commit(partition, commit));
      if (result.ok) {
        this.commits++;
        this.unapplied.delete(commit.id);
      }
      return result;
    } catch (error) {
      if (StoreError.is(error, 'unknown')) sent.unknown = true;
      throw error;
    } finally {
      sent.underWay--;
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

  private sent(id: string): Sent {
    const sent = this.unapplied.get(id) ?? { unknown: false, underWay: 0, told: false };
    this.unapplied.set(id, sent);
    if (this.unapplied.size > MOST_REMEMBERED) this.unapplied.delete(this.unapplied.keys().next().value as string);
    return sent;
  }

  /** A revision: that commit was applied. */
  private seen(rev: string): void {
    const sent = this.unapplied.get(rev);
    if (!sent || sent.underWay > 0 || sent.told) return;
    sent.told = true;
    if (sent.unknown) this.listener.counted('unknown but applied');
    else this.listener.wrong('a commit was applied of which the store said that it never will be');
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
