import type { Signal } from './signal.js';

/**
 * What an AbortController does, for a fraction of its price as long as nobody asks for the signal: most work ends without
 * having been cancelled, and what is cancelled mostly has nobody who would want to know why.
 */
export class Cancellation {
  private readonly listeners: Set<() => void> = new Set();
  private why: (() => unknown) | undefined;
  private made: { readonly reason: unknown } | undefined;
  private controller: AbortController | undefined;

  get isCancelled(): boolean {
    return this.why !== undefined;
  }

  get reason(): unknown {
    if (this.why) this.made ??= { reason: this.why() };
    return this.made?.reason;
  }

  /** The first time counts. `why` gives the reason, if somebody asks for it: errors are dear. */
  cancel(why: () => unknown): void {
    if (this.why) return;
    this.why = why;
    this.controller?.abort(this.reason);
    for (const listener of [...this.listeners]) listener();
  }

  /** Calls `listener` when it is cancelled; one that listens too late, never. */
  add(listener: () => void): void {
    this.listeners.add(listener);
  }

  remove(listener: () => void): void {
    this.listeners.delete(listener);
  }

  /** For users' code, and for what is built on signals. */
  get signal(): Signal {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.why) this.controller.abort(this.reason);
    }
    return this.controller.signal;
  }
}
