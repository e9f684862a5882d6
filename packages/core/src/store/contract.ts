import type { Listener } from './listeners.js';

/** 1 to 512 characters of `[\x21-\x7e]`, ordered bytewise. Names of partitions are alike. Anything else: `invalid`. */
export type Key = string;

/** The id of the commit that last put the entry. Only equality has meaning: revisions have no order. */
export type Revision = string;

/** One entry, as {@link Store.list} gives it. */
export interface Entry {
  readonly key: Key;
  readonly rev: Revision;
  readonly value: Uint8Array;
}

/** One entry, as {@link Store.get} gives it. `value` is left out only if the caller passed this very `rev` as known. */
export interface Got {
  readonly key: Key;
  readonly rev: Revision;
  readonly value?: Uint8Array;
}

/** One consistent view of a partition. */
export interface Snapshot {
  /** How many values were ever appended; 0 for an absent partition. */
  readonly seq: number;
  /** Milliseconds until the partition wants attention, negative when overdue; null: it does not. */
  readonly dueIn: number | null;
  /** As long as the list of keys asked for, and in its order. */
  readonly entries: readonly (Got | undefined)[];
}

/** A condition of a commit: the entry is at this revision, or, with null, absent. */
export interface Check {
  readonly key: Key;
  readonly rev: Revision | null;
}

/** An entry to write. */
export interface Put {
  readonly key: Key;
  readonly value: Uint8Array;
}

/** One atomic change of one partition. */
export interface Commit {
  /**
   * 1 to 40 characters of `[A-Za-z0-9_.:-]`. Never given to two different commits, by anyone, ever: use at least 64
   * random bits a session, and a counter. The identical commit may be sent again under its id; a store keeps no memory
   * of ids.
   */
  readonly id: string;
  /** All must hold, or nothing is applied. */
  readonly checks?: readonly Check[] | undefined;
  /** One more check: the partition's `seq` is exactly this, which is a whole number. */
  readonly seqIs?: number | undefined;
  /** Written with `rev` = `id`. No key below `q/`: those are appended. */
  readonly puts?: readonly Put[] | undefined;
  /** Each is stored at {@link appendKey} of the next `seq`, in this order, with `rev` = `id`. */
  readonly appends?: readonly Uint8Array[] | undefined;
  /** Absent keys are fine. No key stands in both `puts` and `deletes`. */
  readonly deletes?: readonly Key[] | undefined;
  /**
   * When the partition wants attention, in milliseconds from now by the store's clock. `in` sets it (null clears it),
   * `ifNullIn` sets it only if it is not set at all.
   */
  readonly due?: { readonly in: number | null } | { readonly ifNullIn: number } | undefined;
  /**
   * Forget the partition: `seq` starts at 0 again, `scan` lists it no more. The deletes must leave no entry: a store that
   * sees one left rejects with `invalid`, but need not look.
   */
  readonly drop?: boolean | undefined;
}

/** A conflict is a value, an outage is an exception. */
export type CommitResult =
  /** Applied. `seq` is that of the last append, and there if and only if there were appends. */
  | { readonly ok: true; readonly seq?: number }
  /** Not applied, and this sending never will be. `failed` has at least one key whose check failed; `#seq` stands for `seqIs`. */
  | { readonly ok: false; readonly failed: readonly string[] };

/** What one call may hold. Beyond: `too_large`, and nothing is applied. Core chunks values, splits gets and bounds groups to fit. */
export interface Limits {
  /** Bytes of one value. */
  readonly valueBytes: number;
  /** Bytes of all values and keys of one commit. */
  readonly commitBytes: number;
  /** Distinct keys in checks, puts and deletes, plus the number of appends. */
  readonly commitOps: number;
  /** Keys of one get. */
  readonly getKeys: number;
  /** Bytes of all values that one get brings. */
  readonly getBytes: number;
}

/** What {@link Store.scan} looks for. */
export type ScanQuery =
  /** Partitions that are due, most overdue first; with `shard`, those whose {@link shardOf} is `index`. */
  | { readonly due: true; readonly shard?: readonly [index: number, of: number] }
  /** Partitions whose name starts so, and that ever had appends or a `due` and were not dropped since. */
  | { readonly prefix: string };

/** One page of {@link Store.scan}. */
export interface ScanPage {
  readonly partitions: readonly string[];
  /** Give it to the next call; absent on the last page. */
  readonly cursor?: string;
}

/**
 * A partitioned, transactional, ordered key-value store. One partition holds everything of one component instance, and
 * no commit spans two.
 *
 * What an implementation must keep, beside what the methods say:
 *
 * - **C1 Atomic.** A commit is applied wholly or not at all, whatever dies when.
 * - **C2 Strictly serialisable per partition.** A partition's commits form one order that agrees with real time; every
 *   check is judged on the state just before its commit in that order. Across partitions nothing is promised.
 * - **C3 Visible at once.** A get that starts after a commit resolved, in any process, sees that commit.
 * - **C4 Snapshots.** What a get gives - entries, seq, dueIn - is of one point in that order, between call and return.
 * - **C5 Appends are dense.** The n-th value ever appended has seq n; values of one commit are consecutive and in order;
 *   whoever sees value n can see all undeleted values below n.
 * - **C6 Outcome.** A commit resolves `ok: true` (applied) or `ok: false` (not applied, and this sending never will be),
 *   or rejects: `unknown` means that it was applied, or will be later, or never; every other code that it was not applied
 *   and never will be. A store re-sends a commit by itself only when it knows that the last sending was not applied.
 * - **C7 Prefix durability.** Each store documents what survives what. Whatever a failure loses, the rest is a prefix of
 *   the partition's order of commits: entries, seq and due roll back together.
 * - **C8 Clocks.** Time decides nothing but `due` and the expiry of the cache, and follows the store's clock. A wrong clock
 *   makes those early or late, and nothing else.
 * - **C9 No lock.** There is none: an entry that is replaced under a check of its revision is one ({@link Lease}), and a
 *   commit that checks that revision is fenced.
 * - **C10 Settling.** Every call settles within the store's documented timeout. Every rejection is a {@link StoreError}.
 *   No call blocks the event loop for more than 5 ms per MB.
 * - **C11 Copies.** Byte arrays are copied in and out; neither side sees later changes of the other.
 * - **C12 Close.** See {@link Store.close}.
 *
 * The conformance suite of `@motion-ts/test-harness` is the definition of correct.
 */
export interface Store {
  readonly limits: Limits;

  /**
   * One consistent snapshot (C4) of some entries of a partition.
   *
   * @param partition its name; an absent partition reads as empty
   * @param keys at most `limits.getKeys`; may be empty, may repeat
   * @param options `known`: revisions the caller holds, in the order of `keys`; the value of an entry that is still at
   * its known revision need not travel
   */
  get(
    partition: string,
    keys: readonly Key[],
    options?: { readonly known?: readonly (Revision | undefined)[] },
  ): Promise<Snapshot>;

  /**
   * Entries whose key starts with `prefix`, in bytewise order of their keys, from just behind `after`, at most `limit`.
   * Not a snapshot: it shows every entry whose commit resolved before the call and that was not deleted since, and may
   * show part of a commit that is under way. It may give fewer than `limit`, but none only when there are no more. A
   * `limit` below 1 is `invalid`.
   */
  list(
    partition: string,
    range: { readonly prefix: string; readonly after?: Key; readonly limit: number },
  ): Promise<readonly Entry[]>;

  /** Applies a change if all its checks hold (C1, C2, C6). */
  commit(partition: string, commit: Commit): Promise<CommitResult>;

  /**
   * Partitions that are due, or all whose name has a prefix; a page at a time. May lag by a documented time, repeat, and
   * list what is no longer so; but one that stays so is found at the latest by the next full pass. A page may be empty and
   * yet have a cursor.
   */
  scan(query: ScanQuery, cursor?: string): Promise<ScanPage>;

  /**
   * Tells of changed partitions; undefined: any may have changed. A hint and nothing more: it may miss, repeat, invent.
   *
   * @returns stops it; may be called twice
   */
  watch?(listener: Listener): () => void;

  /** A cached value, or undefined. It may vanish at any time and has no order with commits. */
  cacheGet(partition: string, key: Key): Promise<Uint8Array | undefined>;
  /** Caches a value; it is never returned later than `ttlMs` + 1 s from now. A value beyond `limits.valueBytes` is `too_large`. */
  cacheSet(partition: string, key: Key, value: Uint8Array, ttlMs: number): Promise<void>;
  /** Forgets what is cached for a partition. */
  cacheClear(partition: string): Promise<void>;

  /**
   * Sends nothing new, lets calls under way settle, frees all handles. May be called twice; later calls of any other
   * method reject with `closed`.
   */
  close(): Promise<void>;
}
