import { Packr } from 'msgpackr';
import { type Env, jittered, sleep } from '../env.js';
import { MotionError } from '../errors.js';
import { assertOptionNames, type OptionNames } from '../option-names.js';
import type { Signal } from '../signal.js';
import { systemEnv } from '../system-env.js';
import type { CommitResult, Key, Store } from './contract.js';
import { StoreError } from './errors.js';
import { Fence, type FencedCommit } from './fence.js';

/** How a lease is taken and kept. */
export interface LeaseOptions {
  /** Who takes it: shown to others. Default: a new id. */
  readonly holder?: string;
  /** After so many milliseconds without a sign of life of the holder, others may take it. Default: 10,000. */
  readonly ttlMs?: number;
  /** Ends the wait for a lease that another holds. */
  readonly signal?: Signal;
  /** The outside world; only simulations give their own. */
  readonly env?: Env;
}

const NAMES: OptionNames<LeaseOptions> = { holder: true, ttlMs: true, signal: true, env: true };

interface LeaseRecord {
  readonly holder: string | null;
  readonly epoch: number;
  readonly beat: number;
}

/** Not the library's queue, but the same idea: an array under a format number. */
const packr = new Packr({ useRecords: false });
const encode = (r: LeaseRecord): Uint8Array => packr.pack([1, r.holder, r.epoch, r.beat]);
function decode(bytes: Uint8Array, what: string): LeaseRecord {
  try {
    const record = packr.unpack(bytes) as unknown[];
    const [format, holder, epoch, beat] = record;
    if (
      format === 1 &&
      (holder === null || typeof holder === 'string') &&
      typeof epoch === 'number' &&
      typeof beat === 'number'
    )
      return { holder, epoch, beat };
  } catch {
    // Said below.
  }
  throw new MotionError('CORRUPT', `${what} cannot be read: something else wrote its entry`);
}

/**
 * A lock with an expiry and a fencing token, on any {@link Store}. It is one entry, replaced under a check of its revision
 * (so it needs no clock to be safe): a holder that was paused past its expiry finds out at its next commit, which is
 * refused. For the token see M. Kleppmann, "How to do distributed locking" (2016).
 *
 * @example
 * const lease = await Lease.acquire(store, 'jobs', 'nightly', { ttlMs: 5_000 });
 * try {
 *   await lease.commit({ puts: [{ key: 'report', value }] }); // refused if the lease was lost
 * } finally {
 *   await lease.release();
 * }
 */
export class Lease {
  /** Fencing token: rises with every acquisition. Give it to outside systems, and let them refuse a lower one. */
  readonly epoch: number;
  readonly holder: string;
  /** Aborted, with a `LEASE_LOST` error as the reason, as soon as this side knows that it lost the lease. */
  readonly signal: Signal;
  private readonly fence: Fence<LeaseRecord>;
  private readonly stopRenewing: () => void;

  private constructor(fence: Fence<LeaseRecord>, env: Env, ttlMs: number) {
    this.fence = fence;
    this.epoch = fence.record.epoch;
    this.holder = fence.record.holder as string;
    this.signal = fence.lost.signal;
    let cancel = (): void => undefined;
    const next = (): void => {
      cancel = env.timer(
        ttlMs / 3,
        () => {
          // A refusal aborts the signal; any other error is met again at the next commit.
          if (!this.signal.aborted) this.renew().catch(() => undefined);
          if (!this.signal.aborted) next();
        },
        true,
      );
    };
    next();
    this.stopRenewing = () => cancel();
    this.signal.addEventListener('abort', this.stopRenewing, { once: true });
  }

  /**
   * Takes the lease, waiting while another holds it. It is renewed in the background until it is released or lost.
   *
   * @param store any store
   * @param partition the partition of the lease's entry and of what it guards
   * @param key the lease's entry; nothing else may write it
   * @throws MotionError `INVALID_OPTIONS`, `ABORTED` (by `options.signal`), `CORRUPT` (something else wrote the entry)
   * @throws StoreError whatever the store reports, but `unavailable`, which is waited out
   */
  static async acquire(store: Store, partition: string, key: Key, options: LeaseOptions = {}): Promise<Lease> {
    assertOptionNames(NAMES, options, 'Lease.acquire()');
    const { env = systemEnv, ttlMs = 10_000, signal } = options;
    const holder = options.holder ?? env.id();
    if (typeof ttlMs !== 'number' || !(ttlMs > 0 && ttlMs < 2 ** 31))
      throw new MotionError('INVALID_OPTIONS', `ttlMs must be a number of milliseconds above 0, not ${ttlMs}`);
    const what = `the lease ${key} of ${partition}`;
    let seen: { readonly rev: string; readonly at: number } | undefined;
    for (;;) {
      if (signal?.aborted)
        throw new MotionError('ABORTED', `waiting for ${what} was aborted`, { cause: signal.reason });
      try {
        const entry = (await store.get(partition, [key])).entries[0];
        const record = entry ? decode(entry.value as Uint8Array, what) : { holder: null, epoch: 0, beat: 0 };
        const rev = entry?.rev ?? null;
        // Only this side's own monotonic clock judges: the holder's entry did not change for a whole ttl.
        const lapsed = seen !== undefined && seen.rev === rev && env.mono() - seen.at >= ttlMs;
        if (record.holder === null || lapsed) {
          const taken = await Lease.take(
            store,
            partition,
            key,
            rev,
            { holder, epoch: record.epoch + 1, beat: 0 },
            env,
            ttlMs,
            what,
          );
          if (taken) return taken;
          seen = undefined;
        } else if (seen?.rev !== rev) seen = { rev: rev as string, at: env.mono() };
      } catch (error) {
        if (!StoreError.is(error, 'unavailable')) throw error;
      }
      await sleep(env, jittered(env, Math.min(ttlMs / 5, 100)), signal);
    }
  }

  private static async take(
    store: Store,
    partition: string,
    key: Key,
    rev: string | null,
    record: LeaseRecord,
    env: Env,
    ttlMs: number,
    what: string,
  ): Promise<Lease | undefined> {
    // An absent entry has no revision to chain to: the check for its absence is the chain's first link.
    const fence = new Fence(record, rev, { env, store, partition, key, encode, patienceMs: 5 * ttlMs, what });
    try {
      await fence.change((r) => r);
    } catch (error) {
      if (MotionError.is(error, 'LEASE_LOST')) return undefined;
      throw error;
    }
    return new Lease(fence, env, ttlMs);
  }

  /**
   * Commits to the lease's partition, fenced: it is applied only while this lease is held.
   *
   * @param commit as for {@link Store.commit}, without an id; more checks are fine
   * @returns not ok when one of the commit's own checks failed
   * @throws MotionError `LEASE_LOST`
   */
  async commit(commit: FencedCommit): Promise<CommitResult> {
    const changed = await this.fence.change((r) => ({ ...r, beat: r.beat + 1 }), commit);
    if (!changed.ok) return changed;
    return changed.seq === undefined ? { ok: true } : { ok: true, seq: changed.seq };
  }

  /**
   * Shows a sign of life. It runs by itself every third of the ttl.
   *
   * @throws MotionError `LEASE_LOST`
   */
  async renew(): Promise<void> {
    await this.commit({});
  }

  /**
   * Gives the lease back. Does nothing when it was lost or released before.
   *
   * @throws StoreError when the store cannot say so to others; they wait for the ttl then
   */
  async release(): Promise<void> {
    this.stopRenewing();
    if (this.signal.aborted) return;
    try {
      await this.fence.change((r) => ({ ...r, holder: null, beat: r.beat + 1 }));
    } catch (error) {
      if (!MotionError.is(error, 'LEASE_LOST')) throw error;
    }
    this.fence.end('was released');
  }
}
