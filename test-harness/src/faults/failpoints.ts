import type { Commit, CommitResult, Store } from '@motion-ts/core/store';
import { Altered } from '../broken/altered.js';
import { type CommitKind, Kinds } from './commits.js';
import { die } from './journal.js';

const KINDS: readonly CommitKind[] = [
  'permit',
  'create',
  'append',
  'take',
  'drain commit',
  'direct commit',
  'renew',
  'retry',
  'dead letter',
  'chunk',
  'forget',
  'release',
  'clear mark',
  'clear page',
  'clear end',
];

/**
 * The points at which a process can be crashed, by name. Core has no trace of them: a commit is recognised by what it
 * holds, and a process crashes just before it is sent, or just after it resolved. The rest are in the component's methods.
 */
export const FAILPOINTS: readonly string[] = [
  'inside InitState',
  'inside a serve',
  'inside an update',
  ...KINDS.flatMap((kind) => [`before ${kind}`, `after ${kind}`]),
];

/** One failpoint of a process, which crashes when it gets there for the n-th time. */
export class Failpoint {
  private readonly name: string;
  private left: number;

  constructor({ name, nth }: { readonly name: string; readonly nth: number }) {
    if (!FAILPOINTS.includes(name)) throw new Error(`there is no failpoint '${name}'`);
    this.name = name;
    this.left = nth;
  }

  /** Does not return when this is the point. */
  reach(name: string): Promise<never> | undefined {
    return name === this.name && --this.left === 0 ? die() : undefined;
  }
}

/** A store that crashes its process at a failpoint. */
export class CrashingStore extends Altered {
  private readonly failpoint: Failpoint;
  private readonly kinds = new Kinds();

  constructor(good: Store, failpoint: Failpoint) {
    super(good);
    this.failpoint = failpoint;
  }

  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    const kind = this.kinds.of(partition, commit);
    await this.failpoint.reach(`before ${kind}`);
    const result = await this.good.commit(partition, commit);
    if (!result.ok) return result;
    this.kinds.applied(partition, commit);
    await this.failpoint.reach(`after ${kind}`);
    return result;
  }
}
