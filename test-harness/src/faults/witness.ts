import type { Commit, CommitResult, Store } from '@motion-ts/core/store';
import { Altered } from '../broken/altered.js';
import { trueNow } from './clock.js';
import { isTakeover, Kinds, rootOf } from './commits.js';
import type { RootCommit } from './protocol.js';

/** Tells of every commit that replaces an instance's root, and what came of it. */
export class Witness extends Altered {
  private readonly tell: (commit: RootCommit) => void;
  private readonly kinds = new Kinds();

  constructor(good: Store, tell: (commit: RootCommit) => void) {
    super(good);
    this.tell = tell;
  }

  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    const root = rootOf(commit);
    if (!root) return this.good.commit(partition, commit);
    const kind = this.kinds.of(partition, commit);
    const sentAt = trueNow();
    const result = await this.good.commit(partition, commit);
    if (result.ok) this.kinds.applied(partition, commit);
    const instance = decodeURIComponent(partition.slice(partition.indexOf('/') + 1));
    const over = kind === 'take' && isTakeover(commit);
    const after = commit.checks?.find(({ key }) => key === 'root')?.rev ?? null;
    this.tell({ instance, id: commit.id, after, kind, epoch: root.epoch, ok: result.ok, over, sentAt, at: trueNow() });
    return result;
  }
}
