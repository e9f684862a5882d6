import type { Env } from './env.js';

/** Milliseconds of promises alone after which the event loop gets its turn. */
const LONGEST_MS = 8;

/**
 * Lets the event loop turn. A store that answers in microtasks would else let a plain `for ... await` loop, or a long
 * backlog, keep timers, signals and sockets waiting until it ends - the lease's own renewal among them.
 */
export class Turns {
  private readonly env: Env;
  private next: Promise<void> | undefined;
  private askedAt = 0;

  constructor(env: Env) {
    this.env = env;
  }

  /** Asked before each piece of work. undefined: go on; else wait for it first. */
  due(): Promise<void> | undefined {
    if (this.next) return this.env.mono() - this.askedAt >= LONGEST_MS ? this.next : undefined;
    this.askedAt = this.env.mono();
    this.next = new Promise((resolve) => {
      this.env.turn(() => {
        this.next = undefined;
        resolve();
      });
    });
    return undefined;
  }
}
