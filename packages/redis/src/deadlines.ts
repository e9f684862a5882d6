/** A call that must settle in time. */
export interface Timed {
  /** Ends it, whatever it is at. */
  expire(): void;
}

/**
 * Settles what takes too long. Every call has the same time, so the oldest is the first to expire, and one timer does for
 * all of them.
 */
export class Deadlines {
  readonly #timeoutMs: number;
  /** In the order in which they began, with the time at which they expire. */
  readonly #calls: Map<Timed, number> = new Map();
  #timer: NodeJS.Timeout | undefined;
  #onIdle: (() => void)[] = [];

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  add(call: Timed): void {
    this.#calls.set(call, performance.now() + this.#timeoutMs);
    if (this.#timer === undefined) this.#arm(this.#timeoutMs);
  }

  /** @returns false if it expired already */
  remove(call: Timed): boolean {
    const had = this.#calls.delete(call);
    if (this.#calls.size === 0 && this.#onIdle.length > 0) for (const resolve of this.#onIdle.splice(0)) resolve();
    return had;
  }

  /** Resolves once nothing is under way; frees the timer. */
  async idle(): Promise<void> {
    while (this.#calls.size > 0) {
      await new Promise<void>((resolve) => this.#onIdle.push(resolve));
      // Whoever made the last call hears of it first.
      await new Promise((resolve) => setImmediate(resolve));
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(ms: number): void {
    // Armed once for many calls, and left to run out: a timer of each call's own would cost more than the rest of it.
    this.#timer = setTimeout(() => this.#check(), ms);
    this.#timer.unref();
  }

  #check(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const [call, expires] of this.#calls) {
      if (expires > now) {
        this.#arm(Math.ceil(expires - now));
        return;
      }
      this.remove(call);
      call.expire();
    }
  }
}
