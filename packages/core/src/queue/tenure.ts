import { Cancellation } from '../cancellation.js';
import { MotionError } from '../errors.js';
import type { Committed } from '../state/committed.js';
import { ROOT } from '../state/keys.js';
import type { Root } from '../state/records.js';
import type { Revision } from '../store/contract.js';
import type { Changed, Fence, FencedCommit } from '../store/fence.js';
import type { QueueContext } from './context.js';

const stay = (root: Root): Root => ({ ...root, beat: root.beat + 1 });
const leave = (root: Root): Root => ({ ...root, beat: root.beat + 1, holder: null, running: null });

/** One holder's time with the lease: from when it was taken until it is given back, or lost. */
export class Tenure {
  /** The newest state that this holder committed, or found when it took the lease. */
  state: Committed;
  /** When the lease is lost or given back, or when running updates are told to give up. */
  readonly cancellation: Cancellation = new Cancellation();
  private readonly queue: QueueContext;
  private readonly fence: Fence<Root>;
  /** How long the last commit took, in milliseconds. */
  commitMs = 0;
  private duePushedAt: number;
  private renewing = false;
  private cancelRenewal: (() => void) | undefined;

  constructor(queue: QueueContext, fence: Fence<Root>, committed: Committed) {
    this.queue = queue;
    this.fence = fence;
    this.state = committed;
    this.duePushedAt = fence.changedAt;
    fence.lost.add(() => this.cancellation.cancel(() => fence.lost.reason));
    this.renewLater();
  }

  get root(): Root {
    return this.fence.record;
  }

  /** The revision that root has as long as the lease is held. */
  get rootRev(): Revision | null {
    return this.fence.rev;
  }

  get isOver(): boolean {
    return this.fence.lost.isCancelled;
  }

  /** @throws MotionError `LEASE_LOST` */
  assertHeld(): void {
    if (this.fence.lost.isCancelled) throw this.fence.lost.reason;
  }

  /** Whether the store was heard of so long ago that the lease is as good as lost. */
  get isHopeless(): boolean {
    return this.queue.env.mono() - this.fence.changedAt > 5 * this.queue.options.ttlMs;
  }

  /** Tells running updates to give up. */
  interrupt(error: MotionError): void {
    this.cancellation.cancel(() => error);
  }

  /**
   * Every change of root goes through here, and puts off the day when others may take over.
   *
   * @throws MotionError `LEASE_LOST`
   */
  async commit(
    next: (root: Root) => Root,
    rest: FencedCommit = {},
    id?: string,
    patienceMs?: number,
  ): Promise<Changed<Root>> {
    const { env, options } = this.queue;
    const push = !('due' in rest) && env.mono() - this.duePushedAt >= options.ttlMs / 3;
    const sentAt = env.mono();
    const changed = await this.fence.change(
      next,
      push ? { ...rest, due: { in: options.ttlMs } } : rest,
      id,
      patienceMs,
    );
    if (push && changed.ok) this.duePushedAt = sentAt;
    this.commitMs = env.mono() - sentAt;
    return changed;
  }

  /** The state that a commit made, for all to see. */
  publish(state: Committed): void {
    this.state = state;
    this.queue.view.publish(state);
  }

  /** A commit that changes root, and nothing of the state. @returns whether the checks of `rest` held */
  async commitRoot(next: (root: Root) => Root = stay, rest?: FencedCommit): Promise<boolean> {
    const changed = await this.commit(next, rest);
    // Only if no commit of state slipped between: its own continuation publishes that.
    if (changed.ok && this.state.rootRev === changed.before)
      this.publish(this.state.withRoot(changed.rev, changed.record));
    return changed.ok;
  }

  /** Whether the lease is held and nothing was appended since the cursor, as the store says now. */
  async isCurrent(): Promise<boolean> {
    const { store, partition } = this.queue;
    const { rev, record } = this.fence;
    const { seq, entries } = await store.get(partition, [ROOT], { known: [rev ?? undefined] });
    return entries[0]?.rev === rev && seq === record.cursor;
  }

  /** Gives the lease back; the partition is due in so many milliseconds. */
  async release(dueInMs: number): Promise<void> {
    await this.commitRoot(leave, { due: { in: dueInMs } });
    this.end('was given back');
  }

  /** Gives the lease back, unless something was appended since: no wake-up is lost between the two. */
  async releaseIdle(): Promise<boolean> {
    const { cursor } = this.root;
    const released = await this.commitRoot((root) => ({ ...leave(root), carefulUntil: 0 }), {
      seqIs: cursor,
      due: { in: null },
    });
    if (released) this.end('was given back');
    return released;
  }

  /** No more renewals, and no more commits: a late one would take the lease again. */
  end(why: string): void {
    this.cancelRenewal?.();
    this.cancelRenewal = undefined;
    this.fence.end(why);
  }

  private renewLater(): void {
    const { env, options, events, what } = this.queue;
    const wait = options.ttlMs / 3;
    const asked = env.mono();
    this.cancelRenewal = env.timer(wait, () => {
      const late = env.mono() - asked - wait;
      if (late > wait)
        events.warn(
          `${what}: the process was blocked for ${Math.round(late)} ms, its lease lasts ${options.ttlMs} ms; keep long computations out of the event loop`,
        );
      if (this.isOver) return;
      if (!this.renewing && env.mono() - this.duePushedAt >= wait) void this.renew();
      this.renewLater();
    });
  }

  private async renew(): Promise<void> {
    this.renewing = true;
    try {
      await this.commitRoot();
    } catch (error) {
      // A lost lease ends the drain, which is how it is told.
      if (!MotionError.is(error, 'LEASE_LOST'))
        this.queue.events.warn(`${this.queue.what}: its lease could not be renewed`, error);
    } finally {
      this.renewing = false;
    }
  }
}
