import { MotionError } from '../errors.js';
import type { Committed } from '../state/committed.js';
import type { Root } from '../state/records.js';
import { StoreError } from '../store/errors.js';
import type { Fence } from '../store/fence.js';
import { Backlog, type Inbox } from './backlog.js';
import { Committer } from './committer.js';
import type { QueueContext } from './context.js';
import type { Deferred } from './deferred.js';
import { DirectRuns } from './direct-runs.js';
import { Group, type Item, itemsOf } from './group.js';
import { runOne } from './run-one.js';
import { sweep } from './sweep.js';
import { Tenure } from './tenure.js';
import { Wakeup } from './wakeup.js';

/** Why a drain ended. */
export type Drained =
  /** Nothing is left; the lease was given back. */
  | { readonly kind: 'idle' }
  /** An update failed and waits for its next try; the lease was given back. */
  | { readonly kind: 'retry'; readonly inMs: number }
  /** It was told to stop; the lease was given back. */
  | { readonly kind: 'stopped' }
  /** Somebody else is the holder now. */
  | { readonly kind: 'lost' };

/** The first look for others' appends comes after two commits' time, within these bounds, in milliseconds. */
const IDLE_COMMITS = 2;
const FIRST_IDLE_LOOK = 5;
const LATEST_IDLE_LOOK = 25;
/** Updates that nobody waits for are gathered for so many times as long as a commit takes. */
const GATHER_COMMITS = 16;
/** Nor longer than this, in milliseconds. */
const LONGEST_GATHER = 100;
/** Milliseconds until a holder, perhaps another one, tries again after the store failed. */
const ERROR_PAUSE = 1_000;

/**
 * The holder at work: runs what is queued, in order, and commits in groups. Every commit checks root and moves the cursor
 * with the state, so that state, cursor and queue can never disagree.
 */
export class Drain {
  private readonly queue: QueueContext;
  private readonly tenure: Tenure;
  private readonly backlog: Backlog;
  private readonly lingerMs: () => number;
  private readonly committer: Committer;
  private readonly wakeup: Wakeup;
  private stopping = false;
  private idling = false;
  private gathering = false;
  private deferred: Deferred | undefined;
  private readonly direct: DirectRuns;

  constructor(
    queue: QueueContext,
    taken: { readonly fence: Fence<Root>; readonly committed: Committed; readonly seq: number },
    inbox: Inbox,
    lingerMs: () => number,
  ) {
    this.queue = queue;
    this.lingerMs = lingerMs;
    this.wakeup = new Wakeup(queue.env);
    this.tenure = new Tenure(queue, taken.fence, taken.committed);
    this.backlog = new Backlog(queue, this.tenure, inbox, taken.seq, this.wakeup);
    this.committer = new Committer(queue, this.tenure, this.backlog);
    this.direct = new DirectRuns(queue, this.tenure, this.backlog, this.committer);
    this.tenure.cancellation.add(() => this.wakeup.wake());
  }

  /** This process appended; what, is in the inbox. */
  appended(seq: number): void {
    this.backlog.appended(seq);
    // What is gathered is not looked at one by one.
    if (!this.gathering || this.backlog.inbox.size >= this.queue.options.groupCount) this.wakeup.wake();
  }

  /** Whether a call may run here before it is queued: the holder sits idle, and nothing is queued as far as is known. */
  accepts(): boolean {
    const { cursor, carefulUntil, tries } = this.tenure.root;
    return (
      this.idling &&
      !this.stopping &&
      !this.tenure.isOver &&
      this.deferred === undefined &&
      this.backlog.isEmpty &&
      carefulUntil <= cursor &&
      tries === 0
    );
  }

  /** Runs a call that this drain {@link accepts}. */
  start(deferred: Deferred): void {
    this.deferred = deferred;
    this.wakeup.wake();
  }

  /** Somebody begins to wait. */
  hurry(): void {
    this.wakeup.wake();
  }

  /**
   * Ends it: the running update is finished and committed, and the lease given back.
   *
   * @param abortRunning tell the running update to give up, by its `ctx.signal`
   */
  stop(abortRunning: boolean): void {
    this.stopping = true;
    this.backlog.stop();
    if (abortRunning) this.tenure.interrupt(new MotionError('CLOSED', `the worker of ${this.queue.what} is closing`));
    this.wakeup.wake();
  }

  /**
   * Works until there is nothing to do.
   *
   * @throws MotionError `CORRUPT`; StoreError when the store fails for good: the lease is given back if that can be
   */
  async run(): Promise<Drained> {
    try {
      return await this.work();
    } catch (error) {
      if (MotionError.is(error, 'LEASE_LOST')) return { kind: 'lost' };
      // A store that does not answer now would keep the drain from its end: then the lease runs out by itself.
      if (!StoreError.is(error, 'unavailable')) await this.tenure.release(ERROR_PAUSE).catch(() => undefined);
      throw error;
    } finally {
      this.tenure.end('was given up');
      this.wakeup.close();
      this.direct.close();
      this.deferred?.makeWay();
    }
  }

  private async work(): Promise<Drained> {
    const { env, turns } = this.queue;
    let idleSince = env.mono();
    let idleLook = this.firstIdleLook();
    for (;;) {
      const turn = turns.due();
      if (turn) await turn;
      this.tenure.assertHeld();
      if (this.stopping) return this.leave();
      // Who was just answered may call again at once: nothing is awaited that need not be before the holder idles.
      if (this.deferred || (!this.backlog.isEmpty && (await this.hasWork()))) {
        const retryInMs = await (this.deferred ? this.direct.run(this.deferred) : this.runQueued());
        this.deferred = undefined;
        if (retryInMs !== undefined) return { kind: 'retry', inMs: retryInMs };
        idleSince = env.mono();
        idleLook = this.firstIdleLook();
        continue;
      }
      const left = this.lingerMs() - (env.mono() - idleSince);
      if (left <= 0) {
        if (await this.leaveIdle()) return { kind: 'idle' };
        continue;
      }
      this.idling = true;
      const woken = await this.wakeup.wait(Math.min(idleLook, left));
      this.idling = false;
      if (woken) continue;
      // This process's own appends come with a wake-up. Others' are seen at the next look, or as the lease is given back.
      if (idleLook < left) this.backlog.suspect();
      idleLook *= 2;
    }
  }

  private firstIdleLook(): number {
    return Math.max(FIRST_IDLE_LOOK, Math.min(LATEST_IDLE_LOOK, IDLE_COMMITS * this.tenure.commitMs));
  }

  private async hasWork(): Promise<boolean> {
    if (this.backlog.nextIsHere) await this.gather();
    return this.backlog.load();
  }

  /**
   * Calls that are made one after the other, and not waited for, would else be committed one by one, and their commits be in
   * the way of the next calls. The slower a store, the longer it pays to gather.
   */
  private async gather(): Promise<void> {
    const { env, options, events } = this.queue;
    const commitsMs = GATHER_COMMITS * this.tenure.commitMs;
    const until = env.mono() + Math.max(options.gatherMs, Math.min(LONGEST_GATHER, commitsMs));
    while (!events.isAwaited() && !this.stopping && !this.deferred && this.backlog.inbox.size < options.groupCount) {
      const left = until - env.mono();
      if (left <= 0) return;
      this.gathering = true;
      await this.wakeup.wait(left);
      this.gathering = false;
      this.tenure.assertHeld();
    }
  }

  private async leave(): Promise<Drained> {
    if (this.backlog.isEmpty && (await this.tenure.releaseIdle())) return { kind: 'idle' };
    await this.tenure.release(0);
    return { kind: 'stopped' };
  }

  private async leaveIdle(): Promise<boolean> {
    const { env, options } = this.queue;
    if (env.now() - this.tenure.root.sweptAt >= options.sweepMs)
      await sweep(this.queue, this.tenure, () => this.stopping || !this.backlog.isEmpty);
    const released = await this.tenure.releaseIdle();
    if (!released) this.backlog.suspect();
    return released;
  }

  /**
   * What ran when its process died runs alone among such, until it is committed: else each death would be put down to all
   * that ran in the process.
   *
   * @returns as {@link runGroup}
   */
  private async runQueued(): Promise<number | undefined> {
    const { tenure, queue } = this;
    const { running, cursor, carefulUntil } = tenure.root;
    if (running === null || carefulUntil <= cursor) return this.runGroup();
    const leave = await queue.suspects.enter(tenure.cancellation.signal);
    try {
      tenure.assertHeld();
      return this.stopping ? undefined : await this.runGroup();
    } finally {
      leave();
    }
  }

  /** @returns milliseconds until the next try, if an update failed and the lease was given back for that time */
  private async runGroup(): Promise<number | undefined> {
    const { env, options } = this.queue;
    const { backlog, tenure } = this;
    let group = new Group(this.queue, tenure.state, tenure.root);
    const startedAt = env.mono();
    const full = (): boolean =>
      group.count >= options.groupCount || env.mono() - startedAt > options.groupMs || !group.hasRoom || this.stopping;
    for (let batch = backlog.window[0]; batch; batch = backlog.window[group.cursor - tenure.root.cursor]) {
      const items = itemsOf(batch);
      group.beginBatch(batch);
      while (group.index < items.length) {
        if (group.count > 0 && (batch.seq <= tenure.root.carefulUntil || full())) return this.committer.commit(group);
        const item = items[group.index] as Item;
        const result = await runOne(this.queue, tenure, backlog, group, item, batch);
        if (result === 'not now') return this.committer.commit(group);
        if (result === 'done') continue;
        // What ran before is committed first. What this one changed came of that state, and goes into a commit of its own.
        await this.committer.commit(group);
        if (tenure.cancellation.isCancelled || backlog.window[0] !== batch) return undefined;
        group = new Group(this.queue, tenure.state, tenure.root);
        group.beginBatch(batch);
        group.ran.add(item.id);
        group.apply(result.overflow);
      }
      group.finishBatch(batch);
    }
    return this.committer.commit(group);
  }
}
