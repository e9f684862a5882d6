import { isBusy, storeError } from './failure.js';

/** Until when a call may take, on the clock of `performance.now()`. */
export function deadlineIn(timeoutMs: number): number {
  return performance.now() + timeoutMs;
}

/** How long to wait before the n-th new try of something that was busy, in ms: short, jittered, slowly longer. */
export function pauseBefore(attempt: number): number {
  return Math.random() * Math.min(20, 1 + attempt);
}

/**
 * Runs something now, and again after pauses for as long as it is busy. SQLite's own busy_timeout would block the event
 * loop meanwhile.
 *
 * @param what names the call in errors
 * @throws StoreError `unavailable` when it is still busy at the deadline
 */
export async function patiently<T>(what: string, deadline: number, run: () => T): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return run();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw storeError(error, what);
    }
    await new Promise((resolve) => setTimeout(resolve, pauseBefore(attempt)));
  }
}
