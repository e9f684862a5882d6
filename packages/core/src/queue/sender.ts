import { jittered, sleep } from '../env.js';
import { MotionError } from '../errors.js';
import type { ChunkGroup, Stored } from '../state/chunks.js';
import { INIT, idempotencyKey } from '../state/keys.js';
import { type Call, decodeUsedKey, encodeBatch, encodeUsedKey } from '../state/records.js';
import { commitOnce, type Outcome } from '../store/commit-once.js';
import type { Check, Commit, Key, Put, Revision, Snapshot } from '../store/contract.js';
import { StoreError } from '../store/errors.js';
import type { QueueContext } from './context.js';
import type { LoadedBatch } from './group.js';
import type { Appended, Position } from './position.js';
import type { Slot } from './slot.js';

/** A call to put in the queue. */
export interface Append {
  readonly call: Call;
  /** At most one call with this key takes effect. */
  readonly idempotencyKey?: string | undefined;
  /** A dead letter that goes back into the queue: it leaves its place in the same commit. */
  readonly redriven?: { readonly key: Key; readonly rev: Revision };
}

/** An append, and who waits for it. */
export interface Waiting {
  readonly append: Append;
  /** Commits that may have had this very call's effect already. */
  readonly tried?: ReadonlySet<string>;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}

/** Hears of an append before its callers do: of the batch itself where its place is known exactly. */
export type OnAppended = (seq: number, batch: LoadedBatch | undefined) => void;

const DUE_NOW = { ifNullIn: 0 };
const LOST_POSITION: Position = { seq: Infinity, index: Infinity };

/** A batch on its way, in one commit. */
interface Sending {
  readonly batch: readonly Waiting[];
  readonly calls: readonly Call[];
  readonly commit: Commit;
  /** Where its bytes are, if they are too many for an entry. */
  readonly group: ChunkGroup | undefined;
}

/** What came of sending a batch so far. */
interface Attempts {
  readonly tried: ReadonlySet<string>;
  /** Whether a commit that was sent for one of its calls before may come late. */
  readonly isOpen: boolean;
  /** Why the last one was not sent, or its outcome is not known. */
  readonly failure: unknown;
  /** On `env.mono()`. */
  readonly deadline: number;
}

/** Sends one writer's batches to the queue, one at a time: each is queued once, whatever becomes of the answers. */
export class Sender {
  private readonly queue: QueueContext;
  private readonly incarnation: Revision;
  private readonly slot: Slot;
  private readonly onAppended: OnAppended;

  constructor(queue: QueueContext, incarnation: Revision, slot: Slot, onAppended: OnAppended) {
    this.queue = queue;
    this.incarnation = incarnation;
    this.slot = slot;
    this.onAppended = onAppended;
  }

  /**
   * Resolves once each call of the batch is queued, or was before.
   *
   * @throws MotionError `INSTANCE_GONE`, `NO_DEAD_LETTER`: for those of the batch that are not resolved by then
   * @throws StoreError likewise
   */
  async send(waiting: readonly Waiting[]): Promise<void> {
    const { env, store, partition, options } = this.queue;
    const deadline = env.mono() + options.patienceMs;
    const tried = new Set<string>(waiting[0]?.tried);
    const isOpen = tried.size > 0;
    let batch = waiting;
    for (let attempt = 0; batch.length > 0; attempt++) {
      if (attempt > 3) await sleep(env, jittered(env, Math.min(500, 2 ** attempt)));
      let failure: unknown;
      try {
        const calls = batch.map(({ append }) => append.call);
        const bytes = encodeBatch(calls);
        const inline = this.queue.chunks.inline(bytes);
        const sending = inline
          ? this.sending(batch, calls, { value: inline })
          : await this.sendingChunks(batch, calls, bytes);
        const outcome = await commitOnce(env, store, partition, sending.commit, this.slot.key, deadline);
        if (outcome.applied !== true) this.refused(sending, outcome, tried);
        else if (outcome.seq !== undefined) return this.resolveExactly(sending, outcome.seq);
        else return await this.resolveAfterwards(sending);
      } catch (error) {
        // It is not queued by that. But what was tried before may have had its effect.
        if (tried.size === 0) throw error;
        failure = error;
      }
      batch = await this.remaining(batch, { tried, isOpen, failure, deadline });
    }
  }

  private sending(batch: readonly Waiting[], calls: readonly Call[], { value, check, group }: Stored): Sending {
    const { env } = this.queue;
    const at = env.now();
    const checks = this.ownChecks();
    if (check) checks.push(check);
    const puts: Put[] = [this.slot.put()];
    for (const { append } of batch) {
      if (append.idempotencyKey === undefined) continue;
      const key = idempotencyKey(append.idempotencyKey);
      checks.push({ key, rev: null });
      puts.push({ key, value: encodeUsedKey({ call: append.call.id, updates: append.call.updates.length, at }) });
    }
    const redriven = batch[0]?.append.redriven;
    if (redriven) checks.push(redriven);
    const commit: Commit = {
      id: env.id(),
      checks,
      puts,
      appends: [value],
      // In the same commit: queued but never looked for cannot happen.
      due: DUE_NOW,
      deletes: redriven && [redriven.key],
    };
    return { batch, calls, commit, group };
  }

  private async sendingChunks(batch: readonly Waiting[], calls: readonly Call[], bytes: Uint8Array): Promise<Sending> {
    const stored = await this.queue.chunks.write(bytes, [{ key: INIT, rev: this.incarnation }]);
    if (!stored) throw this.gone();
    return this.sending(batch, calls, stored);
  }

  /** What every append of this writer checks. */
  private ownChecks(): Check[] {
    return [{ key: INIT, rev: this.incarnation }, this.slot.check()];
  }

  private resolveExactly({ batch, calls, commit, group }: Sending, seq: number): void {
    this.slot.rev = commit.id;
    let index = -1;
    for (const { append, resolve } of batch) {
      const updates = append.call.updates.length;
      index += updates;
      resolve({ call: append.call.id, updates, position: { seq, index } });
    }
    // Chunks are read from the store by whoever runs the calls, and so deleted after.
    this.onAppended(seq, group ? undefined : { seq, rev: commit.id, calls });
  }

  /**
   * A commit was not applied, as far as is known.
   *
   * @throws StoreError `unknown`: it may be yet
   */
  private refused({ commit }: Sending, outcome: Exclude<Outcome, { applied: true }>, tried: Set<string>): void {
    if (outcome.applied === 'open') throw this.unknown(outcome.error);
    const { seen, heard } = outcome;
    // When a store falls back to before an instance was cleared, handles from before that go on beside those from after:
    // two producers with one slot. What one of them wrote may stand where the other's commit stood.
    const isForeign = seen !== undefined && seen !== this.slot.rev && !tried.has(seen);
    if (isForeign && !heard) throw this.unknown(new StoreError('unknown', `commit ${commit.id} had no answer`));
    tried.add(commit.id);
  }

  /**
   * Looks, in one snapshot, at what stands in the way of a batch, and settles what is settled by that.
   *
   * @returns what is still to be sent
   */
  private async remaining(
    batch: readonly Waiting[],
    { tried, isOpen, failure, deadline }: Attempts,
  ): Promise<readonly Waiting[]> {
    const { slot } = this;
    const keyed = batch.filter(({ append }) => append.idempotencyKey !== undefined);
    const redriven = batch[0]?.append.redriven;
    const now = await this.look(
      [
        INIT,
        slot.key,
        ...keyed.map(({ append }) => idempotencyKey(append.idempotencyKey as string)),
        ...(redriven ? [redriven.key] : []),
      ],
      deadline,
    ).catch((error: unknown) => {
      throw StoreError.is(error, 'unavailable') ? this.unknown(error) : error;
    });
    slot.rev = now.entries[1]?.rev ?? null;
    // An earlier sending of this very batch, or its call's own commit, had landed after all. That counts even if the
    // instance has ended since: it may have moved to another store, and the call with it.
    if (slot.rev !== null && tried.has(slot.rev)) {
      this.resolveUpTo(batch, now.seq);
      return [];
    }
    // A commit whose answer never came may come late.
    if (failure !== undefined) throw isOpen && StoreError.is(failure) ? this.unknown(failure) : failure;
    if (now.entries[0]?.rev !== this.incarnation) throw this.gone();
    if (redriven && now.entries.at(-1)?.rev !== redriven.rev)
      throw new MotionError(
        'NO_DEAD_LETTER',
        `${this.queue.what} has no such dead letter any more: it was redriven or discarded meanwhile`,
      );
    return this.withoutUsedKeys(batch, keyed, now);
  }

  /** The answer was lost: the newest seq is at or behind the batch's own, which is enough to wait for. */
  private async resolveAfterwards({ batch, commit }: Sending): Promise<void> {
    this.slot.rev = commit.id;
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
