import { MotionError } from '../errors.js';
import { ROOT } from '../state/keys.js';
import { decodeBatch } from '../state/records.js';
import { appendKey } from '../store/arguments.js';
import type { Revision } from '../store/contract.js';
import { StoreError } from '../store/errors.js';
import type { QueueContext } from './context.js';
import { type Item, itemsOf, type LoadedBatch } from './group.js';
import type { Tenure } from './tenure.js';
import type { Wakeup } from './wakeup.js';

/** What was appended in this process, by seq: the holder need not fetch it. */
export type Inbox = Map<number, LoadedBatch>;

/** Batches are held in memory up to here: the rest is fetched when its turn comes. */
const WINDOW_BYTES = 16 << 20;

/** What is queued behind the cursor, as far as the holder knows of it. */
export class Backlog {
  /** Batches from behind the cursor on, without a gap. */
  window: LoadedBatch[] = [];
  readonly inbox: Inbox;
  private readonly queue: QueueContext;
  private readonly tenure: Tenure;
  private readonly wakeup: Wakeup;
  /** The newest seq that is known of. */
  private knownSeq: number;
  private stopping = false;

  constructor(queue: QueueContext, tenure: Tenure, inbox: Inbox, seq: number, wakeup: Wakeup) {
    this.queue = queue;
    this.tenure = tenure;
    this.inbox = inbox;
    this.knownSeq = seq;
    this.wakeup = wakeup;
    this.dropPast();
  }

  /** Something was appended here. */
  appended(seq: number): void {
    if (seq > this.knownSeq) this.knownSeq = seq;
    if (seq <= this.tenure.root.cursor) this.inbox.delete(seq);
  }

  /** So many batches of the window are done: the cursor is behind them. */
  done(count: number): void {
    this.window.splice(0, count);
    this.dropPast();
  }

  /** What was found in the store before its append was answered here has been run already when it comes into the inbox. */
  private dropPast(): void {
    const { cursor } = this.tenure.root;
    for (const seq of this.inbox.keys()) {
      if (seq > cursor) return;
      this.inbox.delete(seq);
    }
  }

  /** Something may have been appended elsewhere. Mostly, nothing was: the next load asks for but one batch. */
  suspect(): void {
    this.appended(this.tenure.root.cursor + 1);
  }

  /** Outages are no longer waited out. */
  stop(): void {
    this.stopping = true;
  }

  /** Whether nothing is queued as far as is known. */
  get isEmpty(): boolean {
    return this.window.length === 0 && this.inbox.size === 0 && this.knownSeq <= this.tenure.root.cursor;
  }

  /** Whether what comes next was appended here. Else others may wait for it, elsewhere: it is fetched without delay. */
  get nextIsHere(): boolean {
    return this.window.length === 0 && this.inbox.has(this.tenure.root.cursor + 1);
  }

  /** Forgets what it holds: others stand there in the store. */
  distrust(): void {
    this.window = [];
    this.inbox.clear();
    this.suspect();
  }

  /** Fills the window. False: nothing is queued as far as is known. */
  async load(): Promise<boolean> {
    const { cursor } = this.tenure.root;
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
  }

  /** Adds to the window what the store has from a seq on, as far as one get goes. */
  private async fetch(from: number): Promise<void> {
    const { store, partition, chunks, options } = this.queue;
    const count = Math.min(store.limits.getKeys, options.groupCount, Math.max(1, this.knownSeq - from + 1));
    const keys = Array.from({ length: count }, (_, i) => appendKey(from + i));
    const { seq, entries } = await this.patiently(() => store.get(partition, keys));
    this.knownSeq = seq;
    let held = 0;
    for (const [i, entry] of entries.entries()) {
      if (from + i > seq || held > WINDOW_BYTES) break;
      const bytes = entry?.value && (await this.patiently(() => chunks.read(entry.value as Uint8Array)));
      this.tenure.assertHeld();
      const calls = bytes && this.decode(bytes, from + i);
      if (!entry?.value || !bytes || !calls) {
        // What stands before it can run.
        if (this.window.length > 0) return;
        return await this.damaged(from + i, entry?.rev);
      }
      held += bytes.byteLength;
      const group = chunks.groupOf(entry.value);
      this.window.push({ seq: from + i, rev: entry.rev, calls, ...(group && { group }) });
    }
  }

  private decode(bytes: Uint8Array, seq: number): LoadedBatch['calls'] | undefined {
    try {
      return decodeBatch(bytes, this.nameOf(seq));
    } catch {
      return undefined;
    }
  }

  /**
   * A batch cannot be read. That a new holder went on, or that the store fell back since the look, is no damage: so the
   * lease is confirmed, and then the batch is looked at once more, in one snapshot with root.
   */
  private async damaged(seq: number, rev: Revision | undefined): Promise<void> {
    const { store, partition, chunks } = this.queue;
    await this.tenure.commitRoot();
    const now = await this.patiently(() => store.get(partition, [ROOT, appendKey(seq)]));
    const [root, entry] = now.entries;
    const changed = root?.rev !== this.tenure.rootRev || now.seq < seq || entry?.rev !== rev;
    const bytes = entry?.value && (await this.patiently(() => chunks.read(entry.value as Uint8Array)));
    if (changed || (bytes && this.decode(bytes, seq))) {
      this.knownSeq = now.seq;
      return;
    }
    if (bytes) decodeBatch(bytes, this.nameOf(seq));
    throw new MotionError(
      'CORRUPT',
      `${this.nameOf(seq)} is missing or damaged in the store; nothing behind it can run`,
    );
  }

  private nameOf(seq: number): string {
    return `batch ${seq} in the queue of ${this.queue.what}`;
  }

  /** Whether so many newer updates of the same method are queued behind one. */
  async hasNewer({ call, update }: Item, batch: LoadedBatch, index: number, most: number): Promise<boolean> {
    let newer = 0;
    for (let b = this.window.indexOf(batch); ; b++) {
      if (b === this.window.length && !(await this.extend())) return false;
      const behind = this.window[b] as LoadedBatch;
      for (const [i, item] of itemsOf(behind).entries()) {
        const isNewer = (behind !== batch || i > index) && item.update === update && item.call.flow === call.flow;
        if (isNewer && ++newer >= most) return true;
      }
    }
  }

  /** Looks behind the window. @returns whether there is anything */
  private async extend(): Promise<boolean> {
    const { length } = this.window;
    const { seq } = this.window[length - 1] as LoadedBatch;
    this.appended(seq + 1);
    await this.fetch(seq + 1);
    return this.window.length > length;
  }

  /** Reads through outages for as long as there is hope for the lease. */
  private async patiently<T>(read: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await read();
      } catch (error) {
        if (!StoreError.is(error, 'unavailable') || this.stopping || this.tenure.isHopeless) throw error;
      }
      await this.wakeup.wait(Math.min(1_000, 20 * 2 ** attempt));
      this.tenure.assertHeld();
    }
  }
}
