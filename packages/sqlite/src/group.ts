import type { StoreError } from '@motion-ts/core/store';
import type { Connection, Statement } from './connection.js';
import { assertNoTransaction, commitError, isBusy, storeError } from './failure.js';
import { pauseBefore } from './patience.js';

/** One write: a commit, or a change of the cache. */
export interface Write {
  /** Names it in errors. */
  what(): string;
  readonly bytes: number;
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
  /** Runs inside the transaction, perhaps more than once, each time on a fresh one. */
  apply(): void;
  /** Runs when the transaction is committed. */
  applied(): void;
  rejected(error: StoreError): void;
}

/** Its `then` is the cheapest microtask there is. */
const RESOLVED = Promise.resolve();
const MAX_WRITES = 256;
const MAX_BYTES = 8 * 2 ** 20;

/**
 * Group commit: writes that are waiting together share one transaction, and so one fsync.
 *
 * Each is judged and applied in turn, and none is told before COMMIT. An error of one rolls all back; then each gets a
 * transaction of its own, so that it harms no other. No transaction is ever open across turns of the event loop.
 */
export class GroupCommit {
  readonly #connection: Connection;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #onUnknown: () => void;
  #waiting: Write[] = [];
  #scheduled = false;
  /** Set while a group waits for the end of the turn. */
  #gathering: NodeJS.Immediate | undefined;
  /** Whether the last group had several writes: then more are likely to come within this turn. */
  #crowded = false;
  /** How many of those in front are to be tried alone. */
  #alone = 0;
  #attempt = 0;
  #idle: (() => void)[] = [];

  /** @param onUnknown called when the outcome of a transaction is unknown */
  constructor(connection: Connection, onUnknown: () => void) {
    this.#connection = connection;
    this.#onUnknown = onUnknown;
    this.#begin = connection.prepare('BEGIN IMMEDIATE');
    this.#commit = connection.prepare('COMMIT');
  }

  add(write: Write): void {
    this.#waiting.push(write);
    if (this.#gathering !== undefined && this.#waiting.length >= MAX_WRITES) {
      // Full: there is nothing to wait for, and a turn may be long.
      clearImmediate(this.#gathering);
      this.#gathering = undefined;
      RESOLVED.then(this.#flush);
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A lone writer in sequence waits no longer than a microtask. With several at work, the end of the turn lets those
    // who are a few microtasks behind share the transaction.
    if (this.#crowded) this.#gathering = setImmediate(this.#flush);
    else RESOLVED.then(this.#flush);
  }

  /** Resolves once nothing is waiting. */
  idle(): Promise<void> {
    return this.#waiting.length === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  #flush = (): void => {
    this.#gathering = undefined;
    const size = this.#groupSize();
    try {
      assertNoTransaction(this.#connection);
      this.#begin.run();
    } catch (error) {
      if (isBusy(error)) this.#retryLater(error);
      else this.#finish(size, (write) => write.rejected(storeError(error, write.what())));
      return;
    }
    this.#attempt = 0;
    this.#crowded = size > 1;
    if (this.#applyAll(size)) this.#commitAll(size);
  };

  #groupSize(): number {
    if (this.#alone > 0) return 1;
    let size = 0;
    let bytes = 0;
    while (size < this.#waiting.length && size < MAX_WRITES && (size === 0 || bytes < MAX_BYTES)) {
      bytes += (this.#waiting[size] as Write).bytes;
      size++;
    }
    return size;
  }

  #applyAll(size: number): boolean {
    try {
      for (let i = 0; i < size; i++) (this.#waiting[i] as Write).apply();
      return true;
    } catch (error) {
      this.#rollBack();
      if (size === 1) this.#finish(1, (write) => write.rejected(storeError(error, write.what())));
      else {
        this.#alone = size;
        this.#schedule(0);
      }
      return false;
    }
  }

  #commitAll(size: number): void {
    try {
      this.#commit.run();
    } catch (error) {
      this.#rollBack();
      if (isBusy(error)) this.#retryLater(error);
      else {
        this.#onUnknown();
        this.#finish(size, (write) => write.rejected(commitError(error, write.what())));
      }
      return;
    }
    this.#finish(size, (write) => write.applied());
  }

  /** SQLite rolls some errors back by itself. Should this fail, the connection is lost, and the next BEGIN says so. */
  #rollBack(): void {
    try {
      if (this.#connection.inTransaction) this.#connection.exec('ROLLBACK');
    } catch {}
  }

  #retryLater(error: unknown): void {
    const now = performance.now();
    const late = this.#waiting.filter((write) => write.deadline <= now);
    if (late.length > 0) {
      // Whoever is tried alone is in front, and so are the oldest: which of them are late does not matter.
      this.#alone = Math.max(0, this.#alone - late.length);
      this.#waiting = this.#waiting.filter((write) => write.deadline > now);
      for (const write of late) write.rejected(storeError(error, write.what()));
    }
    if (this.#waiting.length > 0) this.#schedule(pauseBefore(++this.#attempt));
    else this.#settle();
  }

  #schedule(pauseMs: number): void {
    if (pauseMs > 0) setTimeout(this.#flush, pauseMs);
    else setImmediate(this.#flush);
  }

  /** Takes the first writes off and settles them; goes on with the others in a later turn, so that I/O gets its own. */
  #finish(size: number, settle: (write: Write) => void): void {
    const done = this.#waiting.splice(0, size);
    this.#alone = Math.max(0, this.#alone - size);
    for (const write of done) settle(write);
    if (this.#waiting.length > 0) this.#schedule(0);
    else this.#settle();
  }

  #settle(): void {
    this.#scheduled = false;
    const idle = this.#idle;
    if (idle.length === 0) return;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}
