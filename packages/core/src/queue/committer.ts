import { ROOT } from '../state/keys.js';
import type { Root } from '../state/records.js';
import { StoreError } from '../store/errors.js';
import type { Changed } from '../store/fence.js';
import type { Backlog } from './backlog.js';
import type { QueueContext } from './context.js';
import type { Deferred } from './deferred.js';
import type { Group } from './group.js';
import type { Tenure } from './tenure.js';

/** Makes what a group of updates changed part of the state, with the cursor and the queue in the same commit. */
export class Committer {
  private readonly queue: QueueContext;
  private readonly tenure: Tenure;
  private readonly backlog: Backlog;

  constructor(queue: QueueContext, tenure: Tenure, backlog: Backlog) {
    this.queue = queue;
    this.tenure = tenure;
    this.backlog = backlog;
  }

  /**
   * Commits what ran. If that is not what stands in the queue, nothing of it counts.
   *
   * @returns milliseconds until the next try, if an update failed and the lease was given back for that time
   */
  async commit(group: Group): Promise<number | undefined> {
    const { tenure, backlog } = this;
    const before = tenure.root;
    if (group.isEmpty(before)) return undefined;
    const prepared = await group.prepare();
    const { retryInMs } = group;
    const rest = retryInMs === undefined ? prepared : { ...prepared, due: { in: retryInMs } };
    const sentAt = this.queue.env.mono();
    const changed = await tenure.commit((root) => group.nextRoot(root), rest);
    if (!changed.ok) {
      // Appended in an earlier life of the instance, or lost when the store fell back: others stand there now.
      backlog.distrust();
      return undefined;
    }
    backlog.done(changed.record.cursor - before.cursor);
    this.committed(group, changed, sentAt);
    if (retryInMs !== undefined) tenure.end('was given back for a retry');
    if (group.garbage.length > 0) await this.forget(group, changed.rev);
    return retryInMs;
  }

  private committed(group: Group, changed: Changed<Root> & { readonly ok: true }, sentAt: number): void {
    const { ran, outcomes } = group;
    this.tenure.publish(group.committed(changed.rev, changed.record));
    this.queue.events.committed({ root: changed.record, ran, outcomes, sentAt });
  }

  /** Since a commit nothing points to some chunks any more: what is not deleted at once, the sweep finds. */
  private async forget({ garbage }: Group, since: string): Promise<void> {
    const { chunks, events, what } = this.queue;
    await chunks
      .forget(garbage, { key: ROOT, rev: since })
      .catch((cause) => events.warn(`${what}: old chunks were not deleted`, cause));
  }

  /**
   * Commits the effect of a call that is not queued.
   *
   * @returns false: something was queued meanwhile, and comes first; or the store did not take it in time
   */
  async commitDirectly(group: Group, deferred: Deferred): Promise<boolean> {
    const { tenure } = this;
    const before = tenure.root;
    const { checks, puts, deletes } = await group.prepare();
    if (!deferred.isRunning) return false;
    const id = this.queue.env.id();
    const own = deferred.committing(id);
    const rest = { checks: [...checks, ...own.checks], puts: [...puts, ...own.puts], deletes, seqIs: before.cursor };
    const sentAt = this.queue.env.mono();
    let changed: Changed<Root>;
    try {
      // The caller waits for this very commit, and no longer than for any other call.
      changed = await tenure.commit((root) => group.nextRoot(root, false), rest, id, this.queue.options.patienceMs);
    } catch (error) {
      // All but a lost lease: certainly not applied.
      if (StoreError.is(error)) deferred.notCommitted(id);
      void deferred.queue().catch(() => undefined);
      // This holder is the holder still.
      if (StoreError.is(error, 'unavailable')) return false;
      throw error;
    }
    if (!changed.ok) return false;
    this.committed(group, changed, sentAt);
    deferred.committed(id);
    if (group.garbage.length > 0) await this.forget(group, changed.rev);
    return true;
  }

  /**
   * Ends a call that changed nothing: but that it ran on the newest state, and before nothing older, must be so all the same.
   *
   * @returns false: it is not known to be so, or not in time
   */
  async commitNothing(deferred: Deferred): Promise<boolean> {
    try {
      if (!(await this.tenure.isCurrent()) || !deferred.isRunning) return false;
    } catch (error) {
      // This holder is the holder still. Were it to end for that, all others would wait until its lease runs out.
      if (StoreError.is(error, 'unavailable')) return false;
      throw error;
    }
    deferred.committed();
    return true;
  }
}
