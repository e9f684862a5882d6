import { MotionError } from '../errors.js';
import type { ChunkGroup } from '../state/chunks.js';
import { ROOT } from '../state/keys.js';
import { type Changes, decodeBatch, type Root } from '../state/records.js';
import type { Committed } from '../state/view.js';
import { appendKey } from '../store/arguments.js';
import type { Revision } from '../store/contract.js';
import { StoreError } from '../store/errors.js';
import type { Changed, Fence, FencedCommit } from '../store/fence.js';
import type { QueueContext, Turn } from './context.js';
import type { Deferred } from './deferred.js';
import { Group, type Item, itemsOf, type LoadedBatch } from './group.js';
import { sweep } from './sweep.js';
import { Wakeup } from './wakeup.js';

/** What was appended in this process, by seq: the holder need not fetch it. */
export type Inbox = Map<number, LoadedBatch>;

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

const FIRST_IDLE_LOOK = 5;
/** Milliseconds after which a call that runs unqueued is queued. */
const DEFERRED_MS = 5;
/** Milliseconds until a holder, perhaps another one, tries again after the store failed. */
const ERROR_PAUSE = 1_000;
/** Batches are held in memory up to here: the rest is fetched when its turn comes. */
const WINDOW_BYTES = 16 << 20;
/** A look for others' appends asks for so many batches at once. */
const LOOK_AHEAD = 8;

/**
 * The holder at work: runs what is queued, in order, and commits in groups. Every commit checks root and moves the cursor
 * with the state, so that state, cursor and queue can never disagree.
 */
export class Drain {
  private readonly queue: QueueContext;
  private readonly fence: Fence<Root>;
  private state: Committed;
  private readonly inbox: Inbox;
  private readonly lingerMs: () => number;
  /** Batches from behind the cursor on, without a gap. */
  private window: LoadedBatch[] = [];
  /** The newest seq that is known of. */
  private knownSeq: number;
  private readonly wakeup: Wakeup;
  private stopping = false;
  private idling = false;
  /** What the next update changed when it ran: too much for the commit of those before it. */
  private overflow: { readonly id: string; readonly changes: Changes } | undefined;
  private deferred: Deferred | undefined;
  private deferredSince = 0;
  private cancelPatience: (() => void) | undefined;
  private readonly abort = new AbortController();
  private duePushedAt: number;
  private cancelRenewal: (() => void) | undefined;

  constructor(
    queue: QueueContext,
    taken: { readonly fence: Fence<Root>; readonly committed: Committed; readonly seq: number },
    inbox: Inbox,
    lingerMs: () => number,
  ) {
    const { fence, committed, seq } = taken;
    this.queue = queue;
    this.fence = fence;
    this.state = committed;
    this.knownSeq = seq;
    this.inbox = inbox;
    this.lingerMs = lingerMs;
    this.wakeup = new Wakeup(queue.env);
    this.duePushedAt = fence.changedAt;
    fence.signal.addEventListener('abort', () => {
      this.abort.abort(fence.signal.reason);
      this.wakeup.wake();
    });
  }

  /** This process appended; what, is in the inbox. */
  appended(seq: number): void {
    if (seq > this.knownSeq) this.knownSeq = seq;
    this.wakeup.wake();
  }

  /** Whether a call may run here before it is queued: the holder sits idle, and nothing is queued as far as is known. */
  accepts(): boolean {
    const { cursor, carefulUntil, tries } = this.fence.record;
    return (
      this.idling &&
      !this.stopping &&
      !this.fence.signal.aborted &&
      this.deferred === undefined &&
      this.inbox.size === 0 &&
      this.knownSeq <= cursor &&
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

  /** Somebody may have appended. */
  look(): void {
    this.knownSeq = Math.max(this.knownSeq, this.fence.record.cursor + 1);
    this.wakeup.wake();
  }

  /**
   * Ends it: the running update is finished and committed, and the lease given back.
   *
   * @param abortRunning tell the running update to give up, by its `ctx.signal`
   */
  stop(abortRunning: boolean): void {
    this.stopping = true;
    if (abortRunning) this.abort.abort(new MotionError('CLOSED', `the worker of ${this.queue.what} is closing`));
    this.wakeup.wake();
  }

  /**
   * Works until there is nothing to do.
   *
   * @throws MotionError `CORRUPT`; StoreError when the store fails for good: the lease is left to expire
   */
  async run(): Promise<Drained> {
    this.renewLater();
    try {
      return await this.work();
    } catch (error) {
      if (MotionError.is(error, 'LEASE_LOST')) return { kind: 'lost' };
      await this.release({ due: { in: ERROR_PAUSE } }, 'stopped').catch(() => undefined);
      this.fence.abandon(error, 'was given up after an error');
      throw error;
    } finally {
      this.cancelRenewal?.();
      this.cancelRenewal = undefined;
      this.wakeup.close();
      this.cancelPatience?.();
      this.deferred?.makeWay();
    }
  }

  private async work(): Promise<Drained> {
    const { env, turns } = this.queue;
    let idleSince = env.mono();
    let idleLook = FIRST_IDLE_LOOK;
    for (;;) {
      const turn = turns.due();
      if (turn) await turn;
      this.assertHeld();
      if (this.stopping && !this.overflow) {
        if (this.knownSeq <= this.fence.record.cursor && (await this.releaseIdle())) return { kind: 'idle' };
        return this.release({ due: { in: 0 } }, 'stopped');
      }
      const { deferred } = this;
      if (deferred) {
        const retryInMs = await this.runDeferred(deferred);
        this.deferred = undefined;
        if (retryInMs !== undefined) return { kind: 'retry', inMs: retryInMs };
        idleSince = env.mono();
        idleLook = FIRST_IDLE_LOOK;
        continue;
      }
      if (this.window.length === 0 && this.inbox.size > 0) await this.gather();
      if (await this.load()) {
        const retryInMs = await this.runGroup();
        if (retryInMs !== undefined) return { kind: 'retry', inMs: retryInMs };
        idleSince = env.mono();
        idleLook = FIRST_IDLE_LOOK;
      } else if (env.mono() - idleSince < this.lingerMs()) {
        this.idling = true;
        const woken = await this.wakeup.wait(idleLook);
        this.idling = false;
        // Others' appends are seen at the next look; this process's own come with a wake-up.
        if (woken) continue;
        this.look();
        idleLook *= 2;
      } else if (await this.releaseIdle()) return { kind: 'idle' };
    }
  }

  /** Calls that are made one after the other, and not waited for, would else be committed one by one. */
  private async gather(): Promise<void> {
    const { env, options, events } = this.queue;
    const until = env.mono() + options.gatherMs;
    while (!events.isAwaited() && !this.stopping && this.inbox.size < options.groupCount) {
      const left = until - env.mono();
      if (left <= 0) return;
      await this.wakeup.wait(left);
      this.assertHeld();
    }
  }

  /** Fills the window. False: nothing is queued as far as is known. */
  private async load(): Promise<boolean> {
    const { cursor } = this.fence.record;
    if (this.window.length > 0) return true;
    this.takeInbox(cursor);
    if (this.window.length > 0) return true;
    if (this.knownSeq <= cursor) return false;
    await this.fetch(cursor + 1);
    return this.window.length > 0;
  }

  private takeInbox(cursor: number): void {
    for (let seq = cursor + 1; this.window.length < this.queue.options.groupCount; seq++) {
      const batch = this.inbox.get(seq);
      if (!batch) break;
      this.inbox.delete(seq);
      this.window.push(batch);
    }
    // What was appended before the cursor came here by another way.
    if (this.window.length === 0) for (const seq of this.inbox.keys()) if (seq <= cursor) this.inbox.delete(seq);
  }

  /** Adds to the window what the store has from a seq on, as far as one get goes. */
  private async fetch(from: number): Promise<void> {
    const { store, partition, what, chunks, options } = this.queue;
    const count = Math.min(store.limits.getKeys, options.groupCount, Math.max(LOOK_AHEAD, this.knownSeq - from + 1));
    const keys = Array.from({ length: count }, (_, i) => appendKey(from + i));
    const { seq, entries } = await this.patiently(() => store.get(partition, keys));
    this.knownSeq = seq;
    let held = 0;
    for (const [i, entry] of entries.entries()) {
      if (from + i > seq || held > WINDOW_BYTES) break;
      const name = `batch ${from + i} in the queue of ${what}`;
      const bytes = entry?.value && (await this.patiently(() => chunks.read(entry.value as Uint8Array)));
      this.assertHeld();
      if (!entry?.value || !bytes) {
        await this.confirmHeld();
        throw new MotionError('CORRUPT', `${name} is missing or damaged in the store; nothing behind it can run`);
      }
      held += bytes.byteLength;
      const group = chunks.groupOf(entry.value);
      this.window.push({ seq: from + i, rev: entry.rev, calls: decodeBatch(bytes, name), ...(group && { group }) });
    }
  }

  /** Entries that are gone may just mean that a new holder went on. */
  private async confirmHeld(): Promise<void> {
    await this.commitRoot((root) => ({ ...root, beat: root.beat + 1 }));
  }

  /** @returns milliseconds until the next try, if an update failed and the lease was given back for that time */
  private async runGroup(): Promise<number | undefined> {
    const { env, options } = this.queue;
    const group = new Group(this.queue, this.state, this.fence.record);
    const startedAt = env.mono();
    const full = (): boolean =>
      group.count >= options.groupCount || env.mono() - startedAt > options.groupMs || !group.fits(1) || this.stopping;
    let taken = 0;
    batches: for (const batch of this.window) {
      const items = itemsOf(batch);
      const careful = batch.seq <= this.fence.record.carefulUntil;
      group.beginBatch(batch);
      for (let i = group.index; i < items.length; i++) {
        if (group.count > 0 && (careful || full())) break batches;
        const done = await this.runOne(group, items[i] as Item, batch, careful);
        if (!done) break batches;
      }
      group.finishBatch(batch);
      taken++;
    }
    if (group.isEmpty(this.fence.record)) return undefined;
    if (!(await this.commitGroup(group))) return undefined;
    this.window = this.window.slice(taken);
    return group.retryInMs;
  }

  /** @returns false: it is still the next one, for it will be tried again, or gave up because the drain stops */
  private async runOne(group: Group, item: Item, batch: LoadedBatch, careful: boolean): Promise<boolean> {
    const { runner, options, env } = this.queue;
    const { call, update, id } = item;
    const { flow } = call;
    if (this.overflow?.id === id) {
      group.apply(this.overflow.changes);
      this.overflow = undefined;
      return true;
    }
    const policy = runner.policy(flow, update);
    if (policy.discardAfterMs !== undefined && env.now() - call.at > policy.discardAfterMs) {
      group.discard(item, 'age');
      return true;
    }
    const most = policy.discardAfterUpdates;
    if (most !== undefined && this.window.includes(batch) && (await this.hasNewer(item, batch, group.index, most))) {
      group.discard(item, 'newer');
      return true;
    }
    const turn: Turn = {
      id,
      flow,
      update,
      call,
      attempt: group.tries + 1,
      epoch: this.fence.record.epoch,
      signal: this.abort.signal,
    };
    if (careful) {
      const { running, crashes } = this.fence.record;
      if (running === id && crashes >= options.maxCrashes) {
        const error = new Error(`it ran in ${crashes} processes that died of it, or with it`);
        this.queue.events.failed(turn, error, true);
        await group.bury(turn, error, crashes);
        return true;
      }
      if (running !== id) await this.commitRoot((root) => ({ ...root, beat: root.beat + 1, running: id, crashes: 0 }));
    }
    try {
      const result = runner.run(turn, group.state);
      const changes = result instanceof Promise ? await this.orLost(result) : result;
      this.assertHeld();
      if (group.count > 0 && !group.canTake(changes)) {
        this.overflow = { id, changes };
        return false;
      }
      group.apply(changes);
    } catch (error) {
      this.assertHeld();
      // Told to stop: that it gave up is not its fault.
      if (this.abort.signal.aborted) return false;
      await group.fail(turn, error, policy);
    }
    return group.retryInMs === undefined;
  }

  /**
   * Runs a call that is not queued yet, and commits its effect at once if nothing came between; see {@link Deferred}.
   *
   * @returns milliseconds until the next try, if it failed and the lease was given back for that time
   */
  private async runDeferred(deferred: Deferred): Promise<number | undefined> {
    const root = this.fence.record;
    const { call } = deferred;
    const group = new Group(this.queue, this.state, root);
    const alone: LoadedBatch = { seq: root.cursor + 1, rev: undefined, calls: [call] };
    this.deferredSince = this.queue.env.mono();
    this.watchDeferred();
    try {
      let done = true;
      for (const item of itemsOf(alone)) done &&= await this.runOne(group, item, alone, false);
      const clean = done && group.outcomes.size === 0;
      if (clean && deferred.isRunning && (await this.commitDirectly(group, deferred))) return undefined;
    } catch (error) {
      deferred.makeWay();
      throw error;
    }
    const { seq, index } = (await deferred.queue()).position;
    this.assertHeld();
    const batch = this.inbox.get(seq);
    // First in the queue, as it was run: what came of it counts. Else it runs again, in its turn.
    if (!batch || seq !== root.cursor + 1 || index !== call.updates.length - 1) {
      this.overflow = undefined;
      return undefined;
    }
    this.inbox.delete(seq);
    this.window = [batch];
    group.beginBatch(batch);
    if (group.index === itemsOf(batch).length) {
      group.finishBatch(batch);
      this.window = [];
    }
    if (!group.isEmpty(this.fence.record) && !(await this.commitGroup(group))) return undefined;
    return group.retryInMs;
  }

  /** @returns false: something was queued meanwhile, and comes first */
  private async commitDirectly(group: Group, deferred: Deferred): Promise<boolean> {
    const { env, view, events } = this.queue;
    const before = this.fence.record;
    group.leaveCursor(before);
    if (!group.hasChanges) {
      deferred.committed();
      return true;
    }
    const { checks, puts, deletes } = await group.prepare();
    if (!deferred.isRunning) return false;
    const id = env.id();
    const own = deferred.committing(id);
    let changed: Changed<Root>;
    try {
      const rest = { checks: [...checks, ...own.checks], puts: [...puts, ...own.puts], deletes, seqIs: before.cursor };
      changed = await this.commit((root) => group.nextRoot(root), rest, id);
    } catch (error) {
      void deferred.queue().catch(() => undefined);
      throw error;
    }
    if (!changed.ok) return false;
    this.state = group.committed(changed.rev, changed.record);
    view.publish(this.state);
    events.committed(before, changed.record, group.outcomes);
    deferred.committed(id);
    await this.forget(group.garbage, changed.rev);
    return true;
  }

  /** A call that takes long is queued meanwhile. One timer for many calls: most are done long before it fires. */
  private watchDeferred(): void {
    if (this.cancelPatience) return;
    const { env } = this.queue;
    this.cancelPatience = env.timer(DEFERRED_MS, () => {
      this.cancelPatience = undefined;
      if (!this.deferred) return;
      if (env.mono() - this.deferredSince >= DEFERRED_MS) this.deferred.makeWay();
      else this.watchDeferred();
    });
  }

  /** Whether so many newer updates of the same method are queued behind one. */
  private async hasNewer({ call, update }: Item, batch: LoadedBatch, index: number, most: number): Promise<boolean> {
    let newer = 0;
    for (let b = this.window.indexOf(batch); ; b++) {
      const behind = this.window[b];
      if (!behind) {
        const last = this.window.at(-1) as LoadedBatch;
        this.knownSeq = Math.max(this.knownSeq, last.seq + 1);
        await this.fetch(last.seq + 1);
        if (this.window.at(-1) === last) return false;
        b--;
        continue;
      }
      for (const [i, item] of itemsOf(behind).entries())
        if (
          (behind !== batch || i > index) &&
          item.update === update &&
          item.call.flow === call.flow &&
          ++newer >= most
        )
          return true;
    }
  }

  /** @returns false: what ran is not what stands in the queue, so nothing of it counts */
  private async commitGroup(group: Group): Promise<boolean> {
    const { view, events } = this.queue;
    const before = this.fence.record;
    const prepared = await group.prepare();
    const retry = group.retryInMs;
    const rest = retry === undefined ? prepared : { ...prepared, due: { in: retry } };
    const changed = await this.commit((root) => group.nextRoot(root), rest);
    if (!changed.ok) {
      // Appended in an earlier life of the instance, or lost when the store fell back: others stand there now.
      this.window = [];
      this.inbox.clear();
      this.overflow = undefined;
      this.look();
      return false;
    }
    this.state = group.committed(changed.rev, changed.record);
    view.publish(this.state);
    events.committed(before, changed.record, group.outcomes);
    await this.forget(group.garbage, changed.rev);
    return true;
  }

  /** Since a commit nothing points to these any more: what is not deleted at once, the sweep finds. */
  private async forget(garbage: readonly ChunkGroup[], since: Revision): Promise<void> {
    if (garbage.length === 0) return;
    const { chunks, events, what } = this.queue;
    await chunks
      .forget(garbage, { key: ROOT, rev: since })
      .catch((cause) => events.warn(`${what}: old chunks were not deleted`, cause));
  }

  /** Every change of root goes through here, and puts off the day when others may take over. */
  private async commit(next: (root: Root) => Root, rest: FencedCommit = {}, id?: string): Promise<Changed<Root>> {
    const { env, options } = this.queue;
    const push = !('due' in rest) && env.mono() - this.duePushedAt >= options.ttlMs / 3;
    const sentAt = env.mono();
    const changed = await this.fence.change(next, push ? { ...rest, due: { in: options.ttlMs } } : rest, id);
    if (push) this.duePushedAt = sentAt;
    return changed;
  }

  /** A commit that changes root, and nothing of the state. */
  private async commitRoot(next: (root: Root) => Root, rest?: FencedCommit): Promise<boolean> {
    const changed = await this.commit(next, rest);
    // Only if no commit of state slipped between: its own continuation publishes that.
    if (changed.ok && this.state.rootRev === changed.before) {
      this.state = this.state.withRoot(changed.rev, changed.record);
      this.queue.view.publish(this.state);
    }
    return changed.ok;
  }

  private async release(rest: FencedCommit, kind: 'stopped' | 'idle'): Promise<Drained> {
    await this.commitRoot((root) => ({ ...root, beat: root.beat + 1, holder: null, running: null }), rest);
    return { kind };
  }

  /** Gives the lease back, unless something was appended since: no wake-up is lost between the two. */
  private async releaseIdle(): Promise<boolean> {
    const { env, options } = this.queue;
    if (env.now() - this.fence.record.sweptAt >= options.sweepMs) {
      await sweep(this.queue, this.state, (next, rest) => this.commitRoot(next, rest));
    }
    const { cursor } = this.fence.record;
    const released = await this.commitRoot(
      (root) => ({ ...root, beat: root.beat + 1, holder: null, running: null, carefulUntil: 0 }),
      {
        seqIs: cursor,
        due: { in: null },
      },
    );
    if (!released) this.look();
    return released;
  }

  private renewLater(): void {
    const { env, options, events } = this.queue;
    const wait = options.ttlMs / 3;
    const asked = env.mono();
    this.cancelRenewal = env.timer(wait, () => {
      const late = env.mono() - asked - wait;
      if (late > wait)
        events.warn(
          `${this.queue.what}: the process was blocked for ${Math.round(late)} ms, its lease lasts ${options.ttlMs} ms; keep long computations out of the event loop`,
        );
      if (this.fence.signal.aborted) return;
      if (env.mono() - this.duePushedAt >= wait)
        this.commitRoot((root) => ({ ...root, beat: root.beat + 1 })).then(
          () => undefined,
          (error) => {
            // A lost lease ends the drain, which is how it is told.
            if (!MotionError.is(error, 'LEASE_LOST'))
              events.warn(`${this.queue.what}: its lease could not be renewed`, error);
          },
        );
      this.renewLater();
    });
  }

  private assertHeld(): void {
    if (this.fence.signal.aborted) throw this.fence.signal.reason;
  }

  /** A method that does not heed its signal must not keep a lost lease's drain. */
  private orLost<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this.abort;
    if (signal.aborted) {
      // What becomes of the method is nobody's business any more, but must not end the process.
      promise.catch(() => undefined);
      return Promise.reject(signal.reason);
    }
    return new Promise((resolve, reject) => {
      const lost = (): void => reject(signal.reason);
      signal.addEventListener('abort', lost);
      promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', lost));
    });
  }

  /** Reads through outages for as long as the lease can be held. */
  private async patiently<T>(read: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await read();
      } catch (error) {
        if (!StoreError.is(error, 'unavailable')) throw error;
      }
      await this.wakeup.wait(Math.min(1_000, 20 * 2 ** attempt));
      this.assertHeld();
    }
  }
}
