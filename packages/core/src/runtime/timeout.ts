import type { Env } from '../env.js';
import { MotionError } from '../errors.js';

/** How long users' code may take, and what can end it early. */
export interface Bounds {
  readonly env: Env;
  readonly timeoutMs: number | undefined;
  /** The caller's, or the lease's. */
  readonly signal: AbortSignal | undefined;
  /** What messages call the work. */
  readonly what: string;
}

/**
 * Runs work that may be given up. A method cannot be stopped from outside: it is told by its signal, and its result is not
 * waited for any longer.
 *
 * @throws MotionError `TIMEOUT`, `ABORTED`; what the work throws
 */
export async function bounded<T>(
  { env, timeoutMs, signal, what }: Bounds,
  work: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let cancelTimer: (() => void) | undefined;
  let giveUp: (error: MotionError) => void = () => undefined;
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = (error) => {
      controller.abort(error);
      reject(error);
    };
  });
  const aborted = (): void => giveUp(abortedError(what, signal?.reason));
  try {
    if (signal?.aborted) aborted();
    else signal?.addEventListener('abort', aborted);
    if (timeoutMs !== undefined)
      cancelTimer = env.timer(timeoutMs, () =>
        giveUp(
          new MotionError(
            'TIMEOUT',
            `${what} took longer than its timeoutMs of ${timeoutMs} ms; raise it, or heed ctx.signal`,
          ),
        ),
      );
    return await Promise.race([givenUp, controller.signal.aborted ? givenUp : work(controller.signal)]);
  } finally {
    cancelTimer?.();
    signal?.removeEventListener('abort', aborted);
    givenUp.catch(() => undefined);
  }
}

/** The error of a call that its caller gave up; one of ours keeps its own meaning. */
export function abortedError(what: string, reason: unknown): MotionError {
  return MotionError.is(reason)
    ? reason
    : new MotionError('ABORTED', `${what} was aborted by its caller`, { cause: reason });
}
