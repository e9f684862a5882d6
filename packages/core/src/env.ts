import type { Signal } from './signal.js';

/**
 * All that core may know of the outside world: time, chance and ids come from here and from nowhere else. A simulator
 * gives its own and runs core under virtual time.
 */
export interface Env {
  /** Wall clock, milliseconds since the epoch. May jump. */
  now(): number;
  /** Monotonic clock, milliseconds from any origin. */
  mono(): number;
  /**
   * Calls `run` after `ms` milliseconds.
   *
   * @param background true: the timer does not keep the process alive
   * @returns cancels it; may be called late and twice
   */
  timer(ms: number, run: () => void, background?: boolean): () => void;
  /** Calls `run` in the next turn of the event loop. */
  turn(run: () => void): void;
  /** At least 0, below 1. */
  random(): number;
  /** A new id, never given before by anyone: at most 32 characters of `[A-Za-z0-9_-]`. */
  id(): string;
}

/**
 * Waits.
 *
 * @param ms milliseconds
 * @param signal ends the wait early, without an error
 */
export function sleep(env: Env, ms: number, signal?: Signal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = env.timer(ms, done);
    signal?.addEventListener('abort', done);
  });
}

/** Spreads waits out, so that many processes do not come back at the same moment. */
export function jittered(env: Env, ms: number): number {
  return ms * (0.5 + env.random());
}
