import { jittered } from '../env.js';
import { MotionError } from '../errors.js';
import { outcomeKey, ROOT } from '../state/keys.js';
import { decodeOutcome, decodeRoot, type Outcome, type Root } from '../state/records.js';
import { StoreError } from '../store/errors.js';
import type { Done, QueueContext } from './context.js';
import { isPast, type Position } from './position.js';

/** What became of the updates that were waited for, but for those that are simply done; and the queue's root by then. */
export interface Settled {
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly root: Root;
}

interface Waiter {
  readonly position: Position;
  readonly ids: readonly string[];
  /** Since when, on `env.mono()`. */
  readonly since: number;
  readonly resolve: (settled: Settled) => void;
  readonly reject: (error: unknown) => void;
}

const FIRST_POLL = 5;
const LONGEST_POLL = 250;

/**
 * Those who wait for updates to be done, in this process. When the holder is here too, its commits tell; for others'
 * commits the store is asked, ever less often, and only while somebody waits.
 */
export class Waiters {
  private readonly queue: QueueContext;
  private readonly incarnation: string;
  private readonly onWait: () => void;
  private readonly heldHere: () => Root | undefined;
  private waiters: Waiter[] = [];
  private cancelPoll: (() => void) | undefined;
  private interval = FIRST_POLL;
  private polling = false;

  /**
   * @param onWait called when somebody begins to wait
   * @param heldHere the newest root while the holder is in this process
   */
  constructor(queue: QueueContext, incarnation: string, onWait: () => void, heldHere: () => Root | undefined) {
    this.queue = queue;
    this.incarnation = incarnation;
    this.onWait = onWait;
    this.heldHere = heldHere;
  }

  /**
   * Resolves once the cursor is past a position.
   *
   * @param ids updates whose outcome is wanted
   * @param signal ends the wait
   * @throws MotionError `ABORTED`, `INSTANCE_GONE`, `CORRUPT`
   */
  wait(position: Position, ids: readonly string[], signal?: AbortSignal): Promise<Settled> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.remove(waiter);
        waiter.reject(
          new MotionError('ABORTED', `waiting for updates of ${this.queue.what} was aborted; they stay queued`, {
            cause: signal?.reason,
          }),
        );
      };
      const settled =
        <T>(then: (value: T) => void) =>
        (value: T): void => {
          signal?.removeEventListener('abort', abort);
          then(value);
        };
      const since = this.queue.env.mono();
      const waiter: Waiter = signal
        ? { position, ids, since, resolve: settled(resolve), reject: settled(reject) }
        : { position, ids, since, resolve, reject };
      if (signal?.aborted) return abort();
      signal?.addEventListener('abort', abort);
      this.waiters.push(waiter);
      this.onWait();
      this.soon();
    });
  }

  /** Whether anybody waits. */
  get any(): boolean {
    return this.waiters.length > 0;
  }

  /** The holder is in this process and committed. */
  committed(done: Done): void {
    if (this.waiters.length === 0) return;
    const { root, outcomes } = done;
    const left: Waiter[] = [];
    let unsure = false;
    for (const waiter of this.waiters) {
      const past = isPast(root, waiter.position);
      if (past && isOf(done, waiter)) this.settle(waiter, root, outcomes);
      else {
        left.push(waiter);
        unsure ||= past;
      }
    }
    this.keep(left);
    if (unsure) this.atOnce();
  }

  /** Nobody here can go on with this instance. */
  fail(error: unknown): void {
    for (const { reject } of this.waiters) reject(error);
    this.keep([]);
  }

  private settle(waiter: Waiter, root: Root, all: ReadonlyMap<string, Outcome>): void {
    const outcomes = new Map<string, Outcome>();
    for (const id of waiter.ids) {
      const outcome = all.get(id);
      if (outcome) outcomes.set(id, outcome);
    }
    waiter.resolve({ outcomes, root });
  }

  private keep(waiters: Waiter[]): void {
    this.waiters = waiters;
    // A timer soon to fire is left to: the next wait is likely to want it.
    if (waiters.length > 0 || this.interval <= FIRST_POLL * 2) return;
    this.cancelPoll?.();
    this.cancelPoll = undefined;
  }

  private remove(waiter: Waiter): void {
    this.keep(this.waiters.filter((other) => other !== waiter));
  }

  /** Asks within the shortest interval. */
  private soon(): void {
    if (this.cancelPoll && this.interval <= FIRST_POLL * 2) return;
    this.interval = FIRST_POLL;
    if (this.polling) return;
    this.cancelPoll?.();
    this.later();
  }

  /** What is waited for is done, by all that is known. */
  private atOnce(): void {
    this.interval = FIRST_POLL;
    if (this.polling) return;
    this.cancelPoll?.();
    this.cancelPoll = this.queue.env.timer(0, () => void this.poll());
  }

  private later(): void {
    const { env } = this.queue;
    const ms = jittered(env, this.interval);
    this.interval = Math.min(LONGEST_POLL, this.interval * 2);
    this.cancelPoll = env.timer(ms, () => void this.poll());
  }

  private async poll(): Promise<void> {
    this.cancelPoll = undefined;
    if (this.waiters.length === 0) return;
    if (this.willBeTold()) return this.later();
    this.polling = true;
    try {
      await this.ask();
    } catch (error) {
      // An outage ends some time; anything else will not get better by asking again.
      if (!StoreError.is(error, 'unavailable') && !StoreError.is(error, 'unknown')) this.fail(error);
    }
    this.polling = false;
    if (this.waiters.length > 0) this.later();
  }

  /** Whether the holder is here, and its next commits settle all who wait. It is not relied on for ever. */
  private willBeTold(): boolean {
    const root = this.interval < LONGEST_POLL ? this.heldHere() : undefined;
    return (
      root !== undefined &&
      this.waiters.every(
        ({ position, ids }) => !isPast(root, position) && (ids.length === 0 || position.index !== Infinity),
      )
    );
  }

  private async ask(): Promise<void> {
    const { store, partition, what } = this.queue;
    const asked: Waiter[] = [];
    const ids: string[] = [];
    for (const waiter of this.waiters) {
      if (asked.length > 0 && ids.length + waiter.ids.length + 1 > store.limits.getKeys) break;
      asked.push(waiter);
      ids.push(...waiter.ids);
    }
    const got = await store.get(partition, [ROOT, ...ids.map(outcomeKey)]);
    const value = got.entries[0]?.value;
    const root = value && decodeRoot(value, what);
    if (root?.incarnation !== this.incarnation)
      throw new MotionError('INSTANCE_GONE', `${what} was cleared while updates of it were waited for`);
    const outcomes = new Map<string, Outcome>();
    for (const [i, id] of ids.entries()) {
      const entry = got.entries[i + 1];
      if (entry?.value) outcomes.set(id, decodeOutcome(entry.value, `the outcome of update ${id} of ${what}`));
    }
    const lost = asked.filter((waiter) => waiter.position.seq > got.seq);
    const done = asked.filter((waiter) => isPast(root, waiter.position));
    const settled = new Set([...lost, ...done]);
    this.keep(this.waiters.filter((waiter) => !settled.has(waiter)));
    for (const waiter of done) this.settle(waiter, root, outcomes);
    for (const waiter of lost)
      waiter.reject(
        new StoreError('unknown', `the store fell back and lost updates of ${what} that were waited for: call again`),
      );
  }
}

/**
 * Whether it was this commit that did all that is waited for. That the cursor is past it does not say so: the store may have
 * fallen back between the commit and its answer, and others stand now where those stood that it did. What it does not tell
 * of, the store is asked.
 */
function isOf({ ran, sentAt }: Done, { ids, since }: Waiter): boolean {
  return ids.length > 0 ? ids.every((id) => ran.has(id)) : since <= sentAt;
}
