import type { Call } from '../state/records.js';
import type { Check, Put, Revision } from '../store/contract.js';
import type { QueueContext } from './context.js';
import { Deferred, type DeferredQueue } from './deferred.js';
import type { Appended } from './position.js';
import { type Append, type OnAppended, Sender, type Waiting } from './sender.js';
import { Slot } from './slot.js';

/**
 * Appends calls to one instance's queue, for one process. One append is under way at a time and takes all that waits, so
 * the order of calls is the order of the queue.
 */
export class Producer implements DeferredQueue {
  private readonly queue: QueueContext;
  private readonly slot: Slot;
  private readonly sender: Sender;
  private waiting: Waiting[] = [];
  private busy = false;
  private deferred: Deferred | undefined;
  /** Whether a deferred call's own commit is on its way. */
  private direct = false;

  constructor(queue: QueueContext, incarnation: Revision, onAppended: OnAppended) {
    this.queue = queue;
    this.slot = new Slot(queue.env, queue.session);
    this.sender = new Sender(queue, incarnation, this.slot, onAppended);
  }

  /**
   * Resolves once the call is durably queued.
   *
   * @throws MotionError `INSTANCE_GONE`, `NO_DEAD_LETTER`
   * @throws StoreError; with `unknown` the call may or may not be queued: an idempotency key makes it safe to call again
   */
  append(append: Append): Promise<Appended> {
    this.makeWay();
    return new Promise((resolve, reject) => {
      this.waiting.push({ append, resolve, reject });
      if (!this.busy) void this.pump();
    });
  }

  /** A call that runs unqueued is queued now: another wants to be queued behind it. */
  private makeWay(): void {
    this.deferred?.makeWay();
  }

  /** Resolves once no call that was made before is unqueued and uncommitted: somebody wants to wait for all of them. */
  async settled(): Promise<void> {
    const { deferred } = this;
    deferred?.makeWay();
    // What it fails of is for its caller.
    await deferred?.settled.catch(() => undefined);
  }

  /** Lets a call run before it is queued; undefined when others are on their way, which come first. */
  defer(call: Call): Deferred | undefined {
    if (this.busy || this.deferred) return undefined;
    this.deferred = new Deferred(call, this);
    return this.deferred;
  }

  enqueueFirst(call: Call, tried: ReadonlySet<string>): Promise<Appended> {
    this.deferred = undefined;
    return new Promise((resolve, reject) => {
      this.waiting.unshift({ append: { call }, tried, resolve, reject });
      this.resume();
    });
  }

  beginDirect(): { checks: Check[]; puts: Put[] } {
    // What comes meanwhile waits: it belongs behind this call, should it be queued after all.
    this.direct = true;
    this.busy = true;
    // The incarnation is not checked: that commit checks root, which comes and goes with init.
    return { checks: [this.slot.check()], puts: [this.slot.put()] };
  }

  endDirect(commit: string | undefined): void {
    this.deferred = undefined;
    if (commit !== undefined) this.slot.rev = commit;
    this.resume();
  }

  private resume(): void {
    if (this.direct) this.busy = false;
    this.direct = false;
    if (!this.busy && this.waiting.length > 0) void this.pump();
  }

  private async pump(): Promise<void> {
    this.busy = true;
    while (this.waiting.length > 0) {
      const batch = this.nextBatch();
      try {
        await this.sender.send(batch);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.busy = false;
  }

  /** What waits, as far as it fits one batch; no two calls with one idempotency key, and some calls alone. */
  private nextBatch(): Waiting[] {
    if (this.waiting.length === 1) return this.waiting.splice(0);
    const { batchCount } = this.queue.options;
    const { commitOps } = this.queue.store.limits;
    const keys = new Set<string>();
    let bytes = 0;
    let n = 0;
    for (const { append, tried } of this.waiting) {
      const alone = append.redriven !== undefined || (tried !== undefined && tried.size > 0);
      const { payload } = append.call;
      const key = append.idempotencyKey;
      const full =
        n >= batchCount || keys.size + 5 > commitOps || bytes + payload.byteLength > this.queue.chunks.inlineBytes / 2;
      if (n > 0 && (full || alone || (key !== undefined && keys.has(key)))) break;
      if (key !== undefined) keys.add(key);
      bytes += payload.byteLength;
      n++;
      if (alone) break;
    }
    return this.waiting.splice(0, n);
  }
}
