import type { Env } from '../env.js';
import type { Deferred } from './deferred.js';

/** Milliseconds after which a call that runs unqueued is queued. */
const PATIENCE_MS = 5;

/** Sees to it that a call that takes long is queued meanwhile. One timer for many calls: most end long before it fires. */
export class Patience {
  private readonly env: Env;
  private deferred: Deferred | undefined;
  private since = 0;
  private cancel: (() => void) | undefined;

  constructor(env: Env) {
    this.env = env;
  }

  /** The call begins to run; the one before has ended. */
  begin(deferred: Deferred): void {
    this.deferred = deferred;
    this.since = this.env.mono();
    if (!this.cancel) this.arm();
  }

  /** Nothing of it keeps the process alive. */
  close(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.deferred = undefined;
  }

  private arm(): void {
    this.cancel = this.env.timer(PATIENCE_MS, () => {
      this.cancel = undefined;
      // One that is done already makes no way to anybody.
      if (!this.deferred?.isRunning) return;
      if (this.env.mono() - this.since >= PATIENCE_MS) this.deferred.makeWay();
      else this.arm();
    });
  }
}
