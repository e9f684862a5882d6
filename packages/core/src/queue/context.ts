import type { Cancellation } from '../cancellation.js';
import type { Env } from '../env.js';
import type { Chunks } from '../state/chunks.js';
import type { Codec } from '../state/codec.js';
import type { Call, Changes, Outcome, Root } from '../state/records.js';
import type { View } from '../state/view.js';
import type { Store } from '../store/contract.js';
import type { Turns } from '../turns.js';
import type { OneAtATime } from './one-at-a-time.js';

/** What the queue may be told; all have defaults ({@link defaultQueueOptions}). */
export interface QueueOptions {
  /** A holder that gives no sign of life for so many milliseconds may be replaced. */
  readonly ttlMs: number;
  /** How long a holder without work keeps its lease, in milliseconds: a burst costs one acquisition. */
  readonly lingerMs: number;
  /** How long updates that nobody waits for are gathered, in milliseconds, so that more of them share a commit. */
  readonly gatherMs: number;
  /** Updates of one commit, at most. */
  readonly groupCount: number;
  /** Milliseconds of running updates after which their results are committed. */
  readonly groupMs: number;
  /** Calls of one append, at most. */
  readonly batchCount: number;
  /** Processes that one update may take down before it becomes a dead letter. */
  readonly maxCrashes: number;
  /** Milliseconds until a call to a store that does not answer well is given up. */
  readonly patienceMs: number;
  /** Milliseconds between two sweeps of what nobody refers to. */
  readonly sweepMs: number;
  /** Milliseconds after which idempotency keys, outcomes of discarded updates and writers' slots are forgotten. */
  readonly keepMs: number;
}

const HOUR = 3_600_000;
export const defaultQueueOptions: QueueOptions = {
  ttlMs: 10_000,
  lingerMs: 100,
  gatherMs: 1,
  groupCount: 128,
  groupMs: 25,
  batchCount: 128,
  maxCrashes: 5,
  patienceMs: 30_000,
  sweepMs: HOUR,
  keepMs: 7 * 24 * HOUR,
};

/** When an update is given up, and when it is dropped. */
export interface UpdatePolicy {
  readonly attempts: number;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  readonly discardAfterMs: number | undefined;
  readonly discardAfterUpdates: number | undefined;
}

/** One update whose turn has come. */
export interface Turn {
  readonly id: string;
  readonly flow: string;
  readonly update: string;
  readonly call: Call;
  /** 1 for the first try. */
  readonly attempt: number;
  readonly epoch: number;
  readonly cancellation: Cancellation;
}

/** Runs users' code. The queue knows nothing of components. */
export interface UpdateRunner {
  policy(flow: string, update: string): UpdatePolicy;
  /** Rejects as the user's method does, or with a MotionError for a patch that cannot be stored. */
  run(turn: Turn, state: Readonly<Record<string, unknown>>): Changes | Promise<Changes>;
}

/** What a commit of the holder did. */
export interface Done {
  /** As it is since. */
  readonly root: Root;
  /** The updates that were run for it. */
  readonly ran: ReadonlySet<string>;
  /** Those of them that are not simply done. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** When it was sent, on `env.mono()`. */
  readonly sentAt: number;
}

/** What the holder asks, and tells of as it commits. */
export interface QueueEvents {
  /** Whether somebody in this process waits for updates to be done. */
  isAwaited(): boolean;
  committed(done: Done): void;
  /** An update failed, for this time or for good. */
  failed(
    turn: { readonly id: string; readonly flow: string; readonly update: string },
    error: unknown,
    dead: boolean,
  ): void;
  /** Something is odd, but under control. */
  warn(message: string, cause?: unknown): void;
}

/** One instance's queue, as seen by one process: what producer, holder and waiters have in common. */
export interface QueueContext {
  readonly env: Env;
  readonly turns: Turns;
  /** For updates that ran in a process that died. */
  readonly suspects: OneAtATime;
  /**
   * Names this process's slot: one for all its producers of an instance, so that what a closed one may still have under way
   * cannot come after what the next one appends.
   */
  readonly session: string;
  readonly store: Store;
  readonly partition: string;
  /** What messages call the instance: `Book/user-1`. */
  readonly what: string;
  readonly codec: Codec;
  readonly chunks: Chunks;
  readonly view: View;
  readonly options: QueueOptions;
  readonly runner: UpdateRunner;
  readonly events: QueueEvents;
}
