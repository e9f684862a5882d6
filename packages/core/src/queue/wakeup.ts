import type { Env } from '../env.js';

/**
 * A wait that can be ended early. A wake-up that comes while nobody waits ends the next wait at once. Waits that end early
 * are the rule and out of time the exception: so the timer is left running, and looked at again when it fires.
 */
export class Wakeup {
  private readonly env: Env;
  private pending = false;
  private end: ((woken: boolean) => void) | undefined;
  /** When the present wait is over, and when the timer fires, on `env.mono()`. */
  private deadline = 0;
  private firesAt = Infinity;
  private cancel: (() => void) | undefined;

  constructor(env: Env) {
    this.env = env;
  }

  wake(): void {
    if (this.end) this.finish(true);
    else this.pending = true;
  }

  /** @returns whether it was woken, rather than out of time */
  wait(ms: number): Promise<boolean> {
    if (this.pending) {
      this.pending = false;
      return Promise.resolve(true);
    }
    this.deadline = this.env.mono() + ms;
    if (this.firesAt > this.deadline) this.arm(ms);
    return new Promise((resolve) => {
      this.end = resolve;
    });
  }

  /** No more waits: nothing of it keeps the process alive. */
  close(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.firesAt = Infinity;
  }

  private finish(woken: boolean): void {
    const { end } = this;
    this.end = undefined;
    end?.(woken);
  }

  private arm(ms: number): void {
    this.cancel?.();
    this.firesAt = this.env.mono() + ms;
    this.cancel = this.env.timer(ms, () => {
      this.firesAt = Infinity;
      if (!this.end) return;
      const left = this.deadline - this.env.mono();
      if (left > 0) this.arm(left);
      else this.finish(false);
    });
  }
}
