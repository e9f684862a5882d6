import { type Commit, type CommitResult, type Snapshot, type Store, StoreError } from '@motion-ts/core/store';
import { Altered } from '../broken/altered.js';
import { type CommitKind, holderOf, isTakeover, Kinds, rootOf, withoutCrashes } from './commits.js';

/** Commits without its checks of some keys. */
function unchecked({ checks, ...rest }: Commit, isDropped: (key: string) => boolean): Commit {
  return { ...rest, checks: checks?.filter(({ key }) => !isDropped(key)) };
}

/** It knows what a commit is for. */
abstract class Knowing extends Altered {
  private readonly kinds = new Kinds();

  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    const result = await this.commitOf(this.kinds.of(partition, commit), partition, commit);
    if (result.ok) this.kinds.applied(partition, commit);
    return result;
  }

  protected abstract commitOf(kind: CommitKind, partition: string, commit: Commit): Promise<CommitResult>;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Right, but it sends every append twice, as a network does that lost the answer. */
class Resends extends Altered {
  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    const result = await this.good.commit(partition, commit);
    if (result.ok && commit.appends) await this.good.commit(partition, commit);
    return result;
  }
}

/** No fence: who lost an instance commits all the same. */
class RootUnchecked extends Knowing {
  protected commitOf(kind: CommitKind, partition: string, commit: Commit): Promise<CommitResult> {
    // To become the holder is another matter, and so is to create and to clear an instance.
    const isHolders = rootOf(commit) !== undefined && kind !== 'create' && kind !== 'take';
    return this.good.commit(partition, isHolders ? unchecked(commit, (key) => key === 'root') : commit);
  }
}

/** Appends sent twice are appended twice. */
class SlotUnchecked extends Resends {
  override commit(partition: string, commit: Commit): Promise<CommitResult> {
    return super.commit(partition, commit.appends ? unchecked(commit, (key) => key.startsWith('w/')) : commit);
  }
}

/** An idempotency key stops nobody. */
class KeysUnchecked extends Altered {
  override commit(partition: string, commit: Commit): Promise<CommitResult> {
    return this.good.commit(
      partition,
      unchecked(commit, (key) => key.startsWith('i/')),
    );
  }
}

/** An append resolves before it is durable. */
class AcknowledgesEarly extends Altered {
  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    if (!commit.appends) return this.good.commit(partition, commit);
    const { seq } = await this.good.get(partition, []);
    pause(30)
      .then(() => this.good.commit(partition, commit))
      .catch(() => {});
    return { ok: true, seq: seq + commit.appends.length };
  }
}

/** State and cursor in two commits. */
class StateApart extends Knowing {
  protected async commitOf(kind: CommitKind, partition: string, commit: Commit): Promise<CommitResult> {
    if (kind !== 'drain commit') return this.good.commit(partition, commit);
    const isState = (key: string): boolean => key.startsWith('s/') || key === 'dir';
    const { id, checks, puts = [], ...rest } = commit;
    const first = await this.good.commit(partition, { id, checks, puts: puts.filter(({ key }) => isState(key)) });
    if (!first.ok) return first;
    await pause(30);
    return this.good.commit(partition, { id, checks, puts: puts.filter(({ key }) => !isState(key)), ...rest });
  }
}

/** Nobody remembers whom an update took down. */
class CrashesForgotten extends Altered {
  override commit(partition: string, commit: Commit): Promise<CommitResult> {
    return this.good.commit(partition, withoutCrashes(commit));
  }
}

/** A lease that is given back is not. */
class ReleaseLost extends Knowing {
  protected async commitOf(kind: CommitKind, partition: string, commit: Commit): Promise<CommitResult> {
    return kind === 'release' ? { ok: true } : this.good.commit(partition, commit);
  }
}

/** Nobody is told that a partition wants attention. */
class DueLost extends Altered {
  override commit(partition: string, { due, ...rest }: Commit): Promise<CommitResult> {
    return this.good.commit(partition, rest);
  }
}

/** Nobody can take over from a holder that died. */
class TakeoversRefused extends Knowing {
  protected async commitOf(kind: CommitKind, partition: string, commit: Commit): Promise<CommitResult> {
    if (kind === 'take' && isTakeover(commit)) return { ok: false, failed: ['root'] };
    return this.good.commit(partition, commit);
  }
}

/** Looks whether the checks hold, and then commits without them: others may commit in between. */
class ChecksFirst extends Altered {
  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    const { checks = [], seqIs, ...rest } = commit;
    const { seq, entries } = await this.good.get(
      partition,
      checks.map(({ key }) => key),
    );
    const failed = checks.filter(({ rev }, n) => (entries[n]?.rev ?? null) !== rev).map(({ key }) => key);
    if (seqIs !== undefined && seq !== seqIs) failed.push('#seq');
    return failed.length > 0 ? { ok: false, failed } : this.good.commit(partition, rest);
  }
}

/** Keeps the event loop from turning now and then. */
class Blocks extends Altered {
  private commits = 0;

  override commit(partition: string, commit: Commit): Promise<CommitResult> {
    if (++this.commits % 50 === 0) for (const end = performance.now() + 1_500; performance.now() < end; );
    return this.good.commit(partition, commit);
  }
}

/** A commit whose answer was lost is sent again, as if it could only have got lost before it was applied. */
class ResendsBlindly extends Altered {
  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    try {
      return await this.good.commit(partition, commit);
    } catch (error) {
      if (!StoreError.is(error, 'unknown')) throw error;
      return this.good.commit(
        partition,
        unchecked(commit, (key) => key.startsWith('w/')),
      );
    }
  }
}

/** What it does not know, it denies. */
class Denies extends Altered {
  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    try {
      return await this.good.commit(partition, commit);
    } catch (error) {
      throw StoreError.is(error, 'unknown') ? new StoreError('unavailable', error.message) : error;
    }
  }
}

/** Whoever gets no answer waits for ever. */
class NeverSettles extends Altered {
  override get(...args: Parameters<Store['get']>): Promise<Snapshot> {
    return this.patient(this.good.get(...args));
  }

  override commit(...args: Parameters<Store['commit']>): Promise<CommitResult> {
    return this.patient(this.good.commit(...args));
  }

  private patient<T>(call: Promise<T>): Promise<T> {
    return call.catch((error) => {
      if (StoreError.is(error, 'unknown') || StoreError.is(error, 'unavailable')) return new Promise<T>(() => {});
      throw error;
    });
  }
}

/** Who reads waits for who writes: while one process holds an instance, the others get nothing of it. */
class ReadsWait extends Altered {
  private readonly mine = new Map<string, string>();

  override async get(...args: Parameters<Store['get']>): Promise<Snapshot> {
    const [partition] = args;
    for (;;) {
      const { entries } = await this.good.get(partition, ['root']);
      const [root] = entries;
      const holder = root?.value && holderOf(root.value);
      if (!root || !holder || holder === this.mine.get(partition)) return this.good.get(...args);
      await pause(20);
    }
  }

  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    const holder = rootOf(commit)?.holder;
    if (holder) this.mine.set(partition, holder);
    return this.good.commit(partition, commit);
  }
}

/** Forgets to let go of some memory at every commit. */
class Leaks extends Altered {
  private readonly leaked: unknown[] = [];

  override commit(...args: Parameters<Store['commit']>): Promise<CommitResult> {
    this.leaked.push(new Array(30_000).fill(0));
    return this.good.commit(...args);
  }
}

/**
 * What can be done to a store in every process of an attack. All but 'resends' are wrong on purpose: an attack is worth
 * what it finds with them.
 */
export const ALTERATIONS: Readonly<Record<string, (good: Store) => Store>> = {
  resends: (good) => new Resends(good),
  'root unchecked': (good) => new RootUnchecked(good),
  'slot unchecked': (good) => new SlotUnchecked(good),
  'keys unchecked': (good) => new KeysUnchecked(good),
  'acknowledges early': (good) => new AcknowledgesEarly(good),
  'state apart': (good) => new StateApart(good),
  'crashes forgotten': (good) => new CrashesForgotten(good),
  'release lost': (good) => new ReleaseLost(good),
  'due lost': (good) => new DueLost(good),
  'takeovers refused': (good) => new TakeoversRefused(good),
  'checks first': (good) => new ChecksFirst(good),
  blocks: (good) => new Blocks(good),
  'resends blindly': (good) => new ResendsBlindly(good),
  denies: (good) => new Denies(good),
  'never settles': (good) => new NeverSettles(good),
  'reads wait': (good) => new ReadsWait(good),
  leaks: (good) => new Leaks(good),
};
