import type { Backlog } from './backlog.js';
import type { Committer } from './committer.js';
import type { QueueContext } from './context.js';
import type { Deferred } from './deferred.js';
import { Group, itemsOf, type LoadedBatch } from './group.js';
import { Patience } from './patience.js';
import { type RunResult, runOne } from './run-one.js';
import type { Tenure } from './tenure.js';

/** Runs calls that are not queued yet, and commits their effect at once if nothing came between; see {@link Deferred}. */
export class DirectRuns {
  private readonly queue: QueueContext;
  private readonly tenure: Tenure;
  private readonly backlog: Backlog;
  private readonly committer: Committer;
  private readonly patience: Patience;

  constructor(queue: QueueContext, tenure: Tenure, backlog: Backlog, committer: Committer) {
    this.queue = queue;
    this.tenure = tenure;
    this.backlog = backlog;
    this.committer = committer;
    this.patience = new Patience(queue.env);
  }

  /** No call is pressed any more. */
  close(): void {
    this.patience.close();
  }

  /** @returns milliseconds until the next try, if an update failed and the lease was given back for that time */
  async run(deferred: Deferred): Promise<number | undefined> {
    const { queue, tenure, committer } = this;
    const { call } = deferred;
    const group = new Group(queue, tenure.state, tenure.root);
    const alone: LoadedBatch = { seq: tenure.root.cursor + 1, rev: undefined, calls: [call] };
    this.patience.begin(deferred);
    try {
      let result: RunResult = 'done';
      for (const item of itemsOf(alone))
        if (result === 'done') result = await runOne(queue, tenure, this.backlog, group, item, alone);
      const direct = result === 'done' && group.outcomes.size === 0 && deferred.isRunning;
      const changes = direct && group.hasChanges;
      if (
        changes ? await committer.commitDirectly(group, deferred) : direct && (await committer.commitNothing(deferred))
      )
        return undefined;
      // Prepared for a commit that was not made, or too much for one: it runs again, in its turn.
      if (changes || typeof result === 'object') {
        await deferred.queue().catch(() => undefined);
        return undefined;
      }
    } catch (error) {
      deferred.makeWay();
      throw error;
    }
    return this.commitQueued(deferred, group, alone.seq);
  }

  /** The call is queued after all. If it is the first there, as it was run, then what came of it counts; else it runs again. */
  private async commitQueued(deferred: Deferred, group: Group, next: number): Promise<number | undefined> {
    const { tenure, backlog } = this;
    // A refusal is for the caller, who hears of it; this holder just goes on.
    const appended = await deferred.queue().catch(() => undefined);
    tenure.assertHeld();
    const batch = appended && backlog.inbox.get(appended.position.seq);
    // If the store fell back meanwhile, another may have been appended in its place.
    const isNext = appended?.position.seq === next && batch?.calls[0] === deferred.call;
    if (!batch || !isNext || group.isEmpty(tenure.root)) return undefined;
    backlog.inbox.delete(batch.seq);
    backlog.window = [batch];
    group.beginBatch(batch);
    if (group.index === itemsOf(batch).length) group.finishBatch(batch);
    return this.committer.commit(group);
  }
}
