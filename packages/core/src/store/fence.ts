import { Cancellation } from '../cancellation.js';
import type { Env } from '../env.js';
import { MotionError } from '../errors.js';
import { commitOnce } from './commit-once.js';
import type { Commit, Key, Revision, Store } from './contract.js';

/** What a fenced commit does beside replacing the fence's entry. */
export type FencedCommit = Omit<Commit, 'id'>;

/** What a change of a fence came to. */
export type Changed<T> =
  | {
      readonly ok: true;
      readonly rev: Revision;
      readonly record: T;
      readonly before: Revision | null;
      readonly seq: number | undefined;
    }
  | { readonly ok: false; readonly failed: readonly string[] };

/** Where a fence stands, and how long it insists. */
export interface FenceOptions<T> {
  readonly env: Env;
  readonly store: Store;
  readonly partition: string;
  readonly key: Key;
  readonly encode: (record: T) => Uint8Array;
  /** Milliseconds after which a change whose outcome stays unknown counts as lost. */
  readonly patienceMs: number;
  /** What messages call this, such as `the lease of Book/user-1`. */
  readonly what: string;
}

/**
 * An entry that one owner replaces again and again, each time under a check of the revision it wrote last. The chain of
 * revisions is the fence: whoever else replaces the entry ends it, and every later commit of the old owner is refused.
 * Time plays no part in that.
 */
export class Fence<T> {
  record: T;
  /** Null before the first change of an entry that was absent. */
  rev: Revision | null;
  /** When the last change that was applied was sent, on `env.mono()`. */
  changedAt: number;
  /** Cancelled, with `LEASE_LOST`, when it has ended. */
  readonly lost: Cancellation = new Cancellation();
  private readonly options: FenceOptions<T>;
  /** Changes go one at a time: each must know the revision before it. */
  private tail: Promise<unknown> | undefined;

  constructor(record: T, rev: Revision | null, options: FenceOptions<T>) {
    this.record = record;
    this.rev = rev;
    this.options = options;
    this.changedAt = options.env.mono();
  }

  /**
   * Replaces the entry and applies the rest of the commit with it, atomically.
   *
   * @param next the new record, from the newest one
   * @param rest what else the commit does; more checks are fine
   * @param id the commit's id, if the caller must know it beforehand
   * @param patienceMs as {@link FenceOptions.patienceMs}, if somebody waits who has less
   * @returns not ok only when a check of `rest` failed while the fence held
   * @throws MotionError `LEASE_LOST`: another owner has the entry, or the outcome stayed unknown
   */
  async change(
    next: (record: T) => T,
    rest: FencedCommit = {},
    id: string = this.options.env.id(),
    patienceMs: number = this.options.patienceMs,
  ): Promise<Changed<T>> {
    while (this.tail) await this.tail.catch(() => undefined);
    const turn = this.replace(next, rest, id, patienceMs);
    this.tail = turn;
    try {
      return await turn;
    } finally {
      this.tail = undefined;
    }
  }

  /** Ends it from this side: later changes throw `LEASE_LOST`. */
  end(why: string, cause?: unknown): void {
    this.lost.cancel(() => new MotionError('LEASE_LOST', `${this.options.what} ${why}`, { cause }));
  }

  /** {@link end}s it. @returns what its owner is told */
  abandon(cause?: unknown, why = 'was lost: another holder took it over'): MotionError {
    this.end(why, cause);
    return this.lost.reason as MotionError;
  }

  private async replace(
    next: (record: T) => T,
    more: FencedCommit,
    id: string,
    patienceMs: number,
  ): Promise<Changed<T>> {
    if (this.lost.isCancelled) throw this.lost.reason;
    const { env, store, partition, key, encode } = this.options;
    const record = next(this.record);
    const before = this.rev;
    const sentAt = env.mono();
    const self = { key, rev: before };
    const put = { key, value: encode(record) };
    const commit: Commit = {
      id,
      checks: more.checks ? [self, ...more.checks] : [self],
      seqIs: more.seqIs,
      puts: more.puts ? [...more.puts, put] : [put],
      appends: more.appends,
      deletes: more.deletes,
      due: more.due,
      drop: more.drop,
    };
    const outcome = await commitOnce(env, store, partition, commit, key, sentAt + patienceMs);
    if (outcome.applied === true) {
      this.record = record;
      this.rev = id;
      this.changedAt = sentAt;
      return { ok: true, rev: id, record, before, seq: outcome.seq };
    }
    if (outcome.applied === 'open')
      throw this.abandon(outcome.error, 'was given up: the store did not say what became of a commit');
    // Refused for another reason than the fence itself.
    if ((outcome.seen ?? null) !== before) throw this.abandon();
    return { ok: false, failed: outcome.failed };
  }
}
