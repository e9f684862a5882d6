/** After so many ms, an estimate may have drifted. */
const FRESH_MS = 5_000;

/** The server's time, as of when it last told, and how much passed here since then. No clock of this machine can jump it. */
export class ServerClock {
  #offset = 0;
  #until = Number.NEGATIVE_INFINITY;

  /** The server says that it is so late. */
  set(ms: number): void {
    const now = performance.now();
    this.#offset = ms - now;
    this.#until = now + FRESH_MS;
  }

  /** Undefined if it did not tell for some time. */
  now(): number | undefined {
    const now = performance.now();
    return now < this.#until ? Math.round(this.#offset + now) : undefined;
  }
}
