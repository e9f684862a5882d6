import { Random } from '../simulation/random.js';

/** How wrong a process's clock is. */
export interface WrongClock {
  /** Milliseconds that it is ahead; negative: behind. */
  readonly aheadMs: number;
  /** Milliseconds by which it jumps now and then, ahead or back. Default: it does not. */
  readonly jumpMs?: number | undefined;
  readonly seed?: number | undefined;
}

const MOST_BETWEEN_JUMPS_MS = 1_000;

/**
 * The time of this machine, in milliseconds since the epoch, whatever this process's own clock says: processes on one
 * machine agree about it.
 */
export function trueNow(): number {
  return performance.timeOrigin + performance.now();
}

/**
 * Makes the wall clock of this process wrong, for all code in it: `Date.now()`, `new Date()` and `Date()`. The monotonic
 * clock and timers run on as they do on a real machine whose clock is set.
 */
export function setWrongClock({ aheadMs, jumpMs = 0, seed = 1 }: WrongClock): void {
  const Right = Date;
  const now = Right.now;
  const random = new Random(seed);
  let ahead = aheadMs;
  if (jumpMs > 0) {
    const jump = (): void => {
      ahead = aheadMs + random.pick([-jumpMs, 0, jumpMs]);
      setTimeout(jump, random.int(50, MOST_BETWEEN_JUMPS_MS)).unref();
    };
    jump();
  }
  Right.now = () => now() + ahead;
  globalThis.Date = new Proxy(Right, {
    construct: (target, args, self) => Reflect.construct(target, args.length > 0 ? args : [target.now()], self),
    apply: (target) => new target(target.now()).toString(),
  });
}
