import type { Store } from '@motion-ts/core/store';
import * as commits from './commits.js';
import * as others from './others.js';
import * as reads from './reads.js';

/** A store that is wrong on purpose, and the case of the conformance suite that is meant to catch it. */
export interface BrokenStore {
  readonly name: string;
  /** The title of the case. */
  readonly caughtBy: string;
  /** Breaks a good store. */
  readonly breakIt: (good: Store) => Store;
}

const broken = (Broken: new (good: Store) => Store, caughtBy: string): BrokenStore => ({
  name: Broken.name,
  caughtBy,
  breakIt: (good) => new Broken(good),
});

/** The broken stores. The suite is worth what it catches of these. */
export const BROKEN_STORES: readonly BrokenStore[] = [
  broken(commits.ChecksIgnored, 'C2 a check of the current revision holds, and of any other fails'),
  broken(commits.SeqIsIgnored, 'seqIs is a check named #seq'),
  broken(commits.SeqWithGaps, 'C5 appends are numbered from 1, dense and in order'),
  broken(commits.BytesNotCopiedIn, 'C11 bytes that the caller changes as soon as a commit is called stay as they were'),
  broken(reads.BytesNotCopiedOut, "C11 bytes that the store gave are the caller's to change"),
  broken(reads.ListUnordered, 'orders keys bytewise'),
  broken(reads.ListAsPattern, 'a prefix of keys is not a pattern'),
  broken(commits.DueLost, 'due lists what an append made due, again and again'),
  broken(commits.DueAlwaysSet, 'ifNullIn sets only a due that is not set at all'),
  broken(reads.ShardIgnored, 'due with a shard lists the partitions of that shard and no other'),
  broken(commits.ResendApplied, 'C6 the identical commit sent again is refused and changes nothing'),
  broken(others.CloseDoesNothing, 'C12 every method rejects with closed afterwards'),
  broken(others.CloseForgetsCalls, 'C12 calls under way settle, and close waits for them'),
  broken(others.LimitsIgnored, 'limits.getKeys keys fit, one more is too_large'),
  broken(reads.SnapshotTorn, 'C4 snapshots are never torn and never go back'),
  broken(reads.KnownByRevisionAlone, 'a value stays out only for the very revision that is known'),
  broken(reads.KnownNeverChecked, 'C3 a change by another client is seen through known revisions'),
  broken(commits.PartsApart, 'C1 a refused commit applies none of its parts'),
  broken(commits.DropKeepsSeq, 'a dropped partition starts afresh'),
  broken(commits.DeletedSeqReused, 'C5 deleting appended values makes no gap and reuses no number'),
  broken(others.CacheForever, 'C8 never gives a value later than its ttl and a second'),
  broken(others.CacheClearLazy, 'clear forgets a partition, and only that'),
  broken(others.ErrorsOfItsOwn, 'a bad name of a partition is invalid'),
];
