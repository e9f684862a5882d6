import type { Env } from '../env.js';

/** A wait that can be ended early. A wake-up that comes while nobody waits ends the next wait at once. */
export class Wakeup {
  private readonly env: Env;
  private pending = false;
  private end: ((woken: boolean) => void) | undefined;

  constructor(env: Env) {
    this.env = env;
  }

  wake(): void {
    if (this.end) this.end(true);
    else this.pending = true;
  }

  /** @returns whether it was woken, rather than out of time */
  wait(ms: number): Promise<boolean> {
    if (this.pending) {
      this.pending = false;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const cancel = this.env.timer(ms, () => this.end?.(false));
      this.end = (woken) => {
        cancel();
        this.end = undefined;
        resolve(woken);
      };
    });
  }
}
