import { jittered, sleep } from '../env.js';
import { MotionError } from '../errors.js';
import { INIT, idempotencyKey, slotKey } from '../state/keys.js';
import { type Call, decodeUsedKey, encodeBatch, encodeStamp, encodeUsedKey } from '../state/records.js';
import { commitOnce } from '../store/commit-once.js';
import type { Check, Commit, Key, Put, Revision, Snapshot } from '../store/contract.js';
import { StoreError } from '../store/errors.js';
import type { QueueContext } from './context.js';
import { Deferred, type DeferredQueue } from './deferred.js';
import type { LoadedBatch } from './group.js';
import type { Appended, Position } from './position.js';

/** A call to put in the queue. */
export interface Append {
  readonly call: Call;
  /** At most one call with this key takes effect. */
  readonly idempotencyKey?: string | undefined;
  /** A dead letter that goes back into the queue: it leaves its place in the same commit. */
  readonly redriven?: { readonly key: Key; readonly rev: Revision };
}

const DUE_NOW = { ifNullIn: 0 };
const LOST_POSITION: Position = { seq: Infinity, index: Infinity };

interface Waiting {
  readonly append: Append;
  /** Commits that may have had this very call's effect already. */
  readonly tried?: ReadonlySet<string>;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}

/** Hears of an append before its callers do: of the batch itself where its place is known exactly. */
export type OnAppended = (seq: number, batch: LoadedBatch | undefined) => void;

/**
 * Appends calls to one instance's queue, for one process. One append is under way at a time and takes all that waits, so
 * the order of calls is the order of the queue. The writer's slot makes an append happen once, whatever becomes of the
 * answers: each commit checks and replaces it.
 */
export class Producer implements DeferredQueue {
  private readonly queue: QueueContext;
  private readonly incarnation: Revision;
  private readonly onAppended: OnAppended;
  private readonly slot: Key;
  private slotRev: Revision | null = null;
  private waiting: Waiting[] = [];
  private busy = false;
  private deferred: Deferred | undefined;
  /** Whether a deferred call's own commit is on its way. */
  private direct = false;

  constructor(queue: QueueContext, incarnation: Revision, onAppended: OnAppended) {
    this.queue = queue;
    this.incarnation = incarnation;
    this.onAppended = onAppended;
    this.slot = slotKey(queue.session);
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
    return { checks: [this.slotCheck()], puts: [this.slotPut()] };
  }

  endDirect(commit: string | undefined): void {
    this.deferred = undefined;
    if (commit !== undefined) this.slotRev = commit;
    this.resume();
  }

  private resume(): void {
    if (this.direct) this.busy = false;
    this.direct = false;
    if (!this.busy && this.waiting.length > 0) void this.pump();
  }

  /** What every append of this writer checks. */
  private ownChecks(): Check[] {
    return [{ key: INIT, rev: this.incarnation }, this.slotCheck()];
  }

  private slotCheck(): Check {
    return { key: this.slot, rev: this.slotRev };
  }

  private slotPut(): Put {
    return { key: this.slot, value: encodeStamp(this.queue.env.now()) };
  }

  private async pump(): Promise<void> {
    this.busy = true;
    while (this.waiting.length > 0) {
      const batch = this.nextBatch();
      try {
        await this.send(batch);
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

  private async send(waiting: readonly Waiting[]): Promise<void> {
    const { env, options } = this.queue;
    const deadline = env.mono() + options.patienceMs;
    const tried = new Set<string>(waiting[0]?.tried);
    const isOpen = tried.size > 0;
    let batch = waiting;
    for (let attempt = 0; batch.length > 0; attempt++) {
      if (attempt > 3) await sleep(env, jittered(env, Math.min(500, 2 ** attempt)));
      let failure: unknown;
      try {
        if (await this.sendOnce(batch, tried, deadline)) return;
      } catch (error) {
        // It is not queued by that. But what was tried before may have had its effect.
        if (tried.size === 0) throw error;
        failure = error;
      }
      // Look, in one snapshot, at what stands in the way.
      const keyed = batch.filter(({ append }) => append.idempotencyKey !== undefined);
      const redriven = batch[0]?.append.redriven;
      const now = await this.look(
        [
          INIT,
          this.slot,
          ...keyed.map(({ append }) => idempotencyKey(append.idempotencyKey as string)),
          ...(redriven ? [redriven.key] : []),
        ],
        deadline,
      ).catch((error: unknown) => {
        throw StoreError.is(error, 'unavailable') ? this.unknown(error) : error;
      });
      this.slotRev = now.entries[1]?.rev ?? null;
      // An earlier sending of this very batch, or its call's own commit, had landed after all. That counts even if the
      // instance has ended since: it may have moved to another store, and the call with it.
      if (this.slotRev !== null && tried.has(this.slotRev)) return this.resolveUpTo(batch, now.seq);
      // A commit whose answer never came may come late.
      if (failure !== undefined) throw isOpen && StoreError.is(failure) ? this.unknown(failure) : failure;
      if (now.entries[0]?.rev !== this.incarnation) throw this.gone();
      if (redriven && now.entries.at(-1)?.rev !== redriven.rev)
        throw new MotionError(
          'NO_DEAD_LETTER',
          `${this.queue.what} has no such dead letter any more: it was redriven or discarded meanwhile`,
        );
      batch = this.withoutUsedKeys(batch, keyed, now);
    }
  }

  /** @returns whether it is queued. If not, something stood in the way */
  private async sendOnce(batch: readonly Waiting[], tried: Set<string>, deadline: number): Promise<boolean> {
    const { env, store, partition, chunks } = this.queue;
    const calls = batch.map(({ append }) => append.call);
    const bytes = encodeBatch(calls);
    const inline = chunks.inline(bytes);
    const stored = inline ? undefined : await chunks.write(bytes, [{ key: INIT, rev: this.incarnation }]);
    const value = inline ?? stored?.value;
    if (!value) throw this.gone();
    const checks = this.ownChecks();
    if (stored?.check) checks.push(stored.check);
    const commit = this.commitOf(batch, value, checks);
    const outcome = await commitOnce(env, store, partition, commit, this.slot, deadline);
    if (outcome.applied === 'open') throw this.unknown(outcome.error);
    if (!outcome.applied) {
      const { seen, heard } = outcome;
      // When a store falls back to before an instance was cleared, handles from before that go on beside those from after:
      // two producers with one slot. What one of them wrote may stand where the other's commit stood.
      const isForeign = seen !== undefined && seen !== this.slotRev && !tried.has(seen);
      if (isForeign && !heard) throw this.unknown(new StoreError('unknown', `commit ${commit.id} had no answer`));
      tried.add(commit.id);
      return false;
    }
    this.slotRev = commit.id;
    const { seq } = outcome;
    if (seq === undefined) await this.resolveAfterwards(batch);
    // Chunks are read from the store by whoever runs the calls, and so deleted after.
    else this.resolveExactly(batch, seq, stored?.group ? undefined : { seq, rev: commit.id, calls });
    return true;
  }

  private commitOf(batch: readonly Waiting[], value: Uint8Array, checks: Check[]): Commit {
    const at = this.queue.env.now();
    const puts: Put[] = [this.slotPut()];
    for (const { append } of batch) {
      if (append.idempotencyKey === undefined) continue;
      const key = idempotencyKey(append.idempotencyKey);
      checks.push({ key, rev: null });
      puts.push({ key, value: encodeUsedKey({ call: append.call.id, updates: append.call.updates.length, at }) });
    }
    const redriven = batch[0]?.append.redriven;
    if (redriven) checks.push(redriven);
    return {
      id: this.queue.env.id(),
      checks,
      puts,
      appends: [value],
      // In the same commit: queued but never looked for cannot happen.
      due: DUE_NOW,
      deletes: redriven && [redriven.key],
    };
  }

  private resolveExactly(batch: readonly Waiting[], seq: number, appended: LoadedBatch | undefined): void {
    let index = -1;
    for (const { append, resolve } of batch) {
      const updates = append.call.updates.length;
      index += updates;
      resolve({ call: append.call.id, updates, position: { seq, index } });
    }
    this.onAppended(seq, appended);
  }

  /** The answer was lost: the newest seq is at or behind the batch's own, which is enough to wait for. */
  private async resolveAfterwards(batch: readonly Waiting[]): Promise<void> {
    try {
      const { seq } = await this.look([], Infinity);
      this.resolveUpTo(batch, seq);
    } catch {
      // It is queued all the same. Who waits for its updates hears of the store's failure then.
      for (const { append, resolve } of batch)
        resolve({ call: append.call.id, updates: append.call.updates.length, position: LOST_POSITION });
    }
  }

  private resolveUpTo(batch: readonly Waiting[], seq: number): void {
    for (const { append, resolve } of batch)
      resolve({ call: append.call.id, updates: append.call.updates.length, position: { seq, index: Infinity } });
    this.onAppended(seq, undefined);
  }

  private withoutUsedKeys(batch: readonly Waiting[], keyed: readonly Waiting[], now: Snapshot): readonly Waiting[] {
    const used = new Set<Waiting>();
    for (const [i, waiting] of keyed.entries()) {
      const value = now.entries[2 + i]?.value;
      if (!value) continue;
      const { call, updates } = decodeUsedKey(value, `an idempotency key of ${this.queue.what}`);
      waiting.resolve({ call, updates, position: { seq: now.seq, index: Infinity } });
      used.add(waiting);
    }
    return used.size > 0 ? batch.filter((waiting) => !used.has(waiting)) : batch;
  }

  private async look(keys: readonly Key[], deadline: number): Promise<Snapshot> {
    const { env, store, partition } = this.queue;
    for (let attempt = 0; ; attempt++) {
      try {
        return await store.get(partition, keys);
      } catch (error) {
        if (!StoreError.is(error, 'unavailable') || env.mono() >= deadline) throw error;
      }
      await sleep(env, jittered(env, Math.min(500, 10 * 2 ** attempt)));
    }
  }

  private unknown(cause: StoreError): StoreError {
    return new StoreError(
      'unknown',
      `whether a call of ${this.queue.what} was queued is unknown: the store did not say; call again with the same idempotencyKey`,
      { cause },
    );
  }

  private gone(): MotionError {
    return new MotionError(
      'INSTANCE_GONE',
      `${this.queue.what} was cleared, or moved, since it was opened; open it again`,
    );
  }
}
