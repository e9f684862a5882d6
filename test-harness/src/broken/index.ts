import type { Store } from '@motion-ts/core/store';
import type { Altered } from './altered.js';
import * as commits from './commits.js';
import * as deaths from './deaths.js';
import { OverLink, type SimulatedLink } from './link.js';
import * as others from './others.js';
import * as outages from './outages.js';
import * as reads from './reads.js';

export { SimulatedLink } from './link.js';

/** A store that is wrong on purpose, and the case of the conformance suite that is meant to catch it. */
export interface BrokenStore {
  readonly name: string;
  /** The title of the case. */
  readonly caughtBy: string;
  /** What the suite must be given, beside a good store, for that case to run: as `faults`, a {@link SimulatedLink}. */
  readonly needs?: 'faults' | 'process' | undefined;
  /**
   * Breaks a good store. It is made once a client.
   *
   * @param link for those that need `faults`: the way to the good store
   */
  readonly breakIt: (good: Store, link?: SimulatedLink) => Store;
}

function broken(
  Broken: new (good: Store, link?: SimulatedLink) => Altered,
  caughtBy: string,
  needs?: BrokenStore['needs'],
): BrokenStore {
  return { name: Broken.name, caughtBy, needs, breakIt: (good, link) => new Broken(good, link) };
}

/** A good store at the other end of a link: what those that need `faults` break. */
export function overLink(good: Store, link: SimulatedLink): Store {
  return new OverLink(good, link);
}

/** The broken stores. The suite is worth what it catches of these. */
export const BROKEN_STORES: readonly BrokenStore[] = [
  broken(commits.ChecksIgnored, 'C2 a check of the current revision holds, and of any other fails'),
  broken(commits.AbsenceNotChecked, 'C2 a check for absence holds for what is absent or deleted'),
  broken(commits.OneCheckPerKey, 'two checks of one key must both hold'),
  broken(commits.SeqIsIgnored, 'seqIs is a check named #seq'),
  broken(commits.SeqIsInThirtyTwoBits, 'seqIs may be any whole number, far beyond 32 bits'),
  broken(commits.RevisionReused, 'C2 no revision comes back: the same value put again is another entry to a check'),
  broken(commits.ConflictThrown, 'C6 a conflict is a value and no error, and names only checks that failed'),
  broken(commits.ResendApplied, 'C6 the identical commit sent again is refused and changes nothing'),
  broken(commits.ErrorSwallowed, 'a commit that breaks the rules is invalid and writes nothing'),
  broken(others.ErrorsOfItsOwn, 'a bad name of a partition is invalid'),
  broken(commits.PartsApart, 'C1 a refused commit applies none of its parts'),
  broken(commits.ChecksThenWrites, 'C9 of several who want it at once, each has it alone'),
  broken(commits.StaleHolderAllowed, 'C9 a holder without a sign of life is taken over, and can do nothing any more'),
  broken(commits.SeqWithGaps, 'C5 appends are numbered from 1, dense and in order'),
  broken(commits.AppendsOutOfOrder, 'C5 appends of one commit stay together and in order beyond ten'),
  broken(commits.DeletedSeqReused, 'C5 deleting appended values makes no gap and reuses no number'),
  broken(commits.DropKeepsSeq, 'a dropped partition starts afresh'),
  broken(commits.DueLost, 'due lists what an append made due, again and again'),
  broken(commits.DueAlwaysSet, 'ifNullIn sets only a due that is not set at all'),
  broken(commits.RefusalSetsDue, 'C1 is set in the commit that appends, and not by one that is refused'),
  broken(commits.DueInThirtyTwoBits, 'may be months away or overdue by months: more than 32 bits of milliseconds'),
  broken(commits.DueByTheClientsClock, 'in sets the due, later or earlier, and null clears it'),
  broken(commits.BytesNotCopiedIn, 'C11 bytes that the caller changes as soon as a commit is called stay as they were'),
  broken(reads.BytesNotCopiedOut, "C11 bytes that the store gave are the caller's to change"),
  broken(reads.StaleRead, 'C3 what a client committed, another sees at once'),
  broken(reads.SnapshotTorn, 'C4 snapshots are never torn and never go back'),
  broken(reads.KnownByRevisionAlone, 'a value stays out only for the very revision that is known'),
  broken(reads.KnownNeverChecked, 'C3 a change by another client is seen through known revisions'),
  broken(reads.EmptyValueLost, 'an empty value is a value: it is there, is checked, listed and cached'),
  broken(others.KeysWithoutCase, 'every character of a key counts, from ! to ~'),
  broken(others.LongKeysCut, 'keys of 1 and of 512 characters work'),
  broken(reads.ListUnordered, 'orders keys bytewise'),
  broken(reads.ListAsPattern, 'a prefix of keys is not a pattern'),
  broken(reads.ListPageSkips, 'gives at most limit, and all of them page by page'),
  broken(reads.ListBehindIncludes, 'goes on behind after, whether that is there or not'),
  broken(reads.ListLags, 'C3 what a client committed, another lists at once'),
  broken(reads.ShardIgnored, 'due with a shard lists the partitions of that shard and no other'),
  broken(reads.ScanUnordered, 'due lists the most overdue first'),
  broken(reads.ScanMissesAShard, 'a prefix gives all of many partitions, page by page'),
  broken(reads.ScanPageSkips, 'a prefix gives all of many partitions, page by page'),
  broken(others.LimitsIgnored, 'limits.getKeys keys fit, one more is too_large'),
  broken(others.ValueLimitIgnored, 'a value of limits.valueBytes fits, one byte more is too_large'),
  broken(others.EventLoopBlocked, 'C10 values of megabytes do not stop the event loop for long'),
  broken(others.CacheForever, 'C8 never gives a value later than its ttl and a second'),
  broken(others.ExpiryByTheClientsClock, 'C8 never gives a value later than its ttl and a second'),
  broken(others.CacheClearLazy, 'clear forgets a partition, and only that'),
  broken(others.CacheAcrossPartitions, 'is apart for each partition, and from the entries'),
  broken(others.WatchLeaks, 'stops, may be stopped twice, and stops only its own listener'),
  broken(others.WatchTellsOfItselfAlone, 'tells of changes, by this client and by another'),
  broken(others.CloseDoesNothing, 'C12 every method rejects with closed afterwards'),
  broken(others.CloseForgetsCalls, 'C12 calls under way settle, and close waits for them'),
  broken(others.CloseHangs, 'C12 may be closed twice, and at once'),
  broken(deaths.AcknowledgedBeforeDurable, 'C7 every commit that was acknowledged outlives its process', 'process'),
  broken(deaths.TornByDeath, 'C1 no commit of a killed process is torn, and appends stay dense', 'process'),
  broken(outages.NeverSettlesWithoutAnswer, settling('silent'), 'faults'),
  broken(outages.AcknowledgedWhenSent, settling('silent'), 'faults'),
  broken(outages.OutageReadsAsEmpty, settling('unreachable'), 'faults'),
  broken(outages.OutagesOfItsOwn, settling('unreachable'), 'faults'),
  broken(outages.ReadsOfUnknownOutcome, settling('unreachable'), 'faults'),
  broken(outages.UnavailableThoughApplied, underWay('silent'), 'faults'),
  broken(outages.SentAgainByItself, underWay('unreachable'), 'faults'),
  broken(outages.PartsApartOverLink, underWay('unreachable'), 'faults'),
  broken(outages.NeverComesBack, 'C10 after the server was unreachable the same store works again', 'faults'),
  broken(
    outages.CloseWaitsForServer,
    'C12 a store is closed in time while the server is unreachable, and the calls under way settle',
    'faults',
  ),
  broken(outages.WatchEndsWithConnection, 'watch tells of changes again after the server was unreachable', 'faults'),
];

function settling(server: string): string {
  return `C10 with the server ${server} every method settles in time with the right code, and none resolves falsely`;
}

function underWay(server: string): string {
  return `C6 commits under way when the server becomes ${server} apply wholly or not at all, and \`unavailable\` means never`;
}
