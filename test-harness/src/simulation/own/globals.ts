import { insideNow } from './inside.js';

/*
 * What a simulated process finds in the place of the real clock, timers and chance. Everybody else in this Node process -
 * the test runner, say - finds what was there before.
 */

type Timers = Pick<
  typeof globalThis,
  'setTimeout' | 'clearTimeout' | 'setInterval' | 'clearInterval' | 'setImmediate' | 'clearImmediate'
>;

/** A timer of the simulated world; has what Node's own have. */
class SimulatedTimer {
  private cancel: () => void = () => undefined;
  private readonly start: (timer: SimulatedTimer) => () => void;

  constructor(start: (timer: SimulatedTimer) => () => void) {
    this.start = start;
    this.refresh();
  }

  refresh(): this {
    this.cancel();
    this.cancel = this.start(this);
    return this;
  }

  close(): void {
    this.cancel();
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  [Symbol.dispose](): void {
    this.cancel();
  }
}

type Callback = (...args: unknown[]) => void;

function simulatedTimers(real: Timers): Timers {
  const clear =
    (otherwise: (timer: never) => void) =>
    (timer: unknown): void => {
      if (timer instanceof SimulatedTimer) timer.close();
      else otherwise(timer as never);
    };
  const once =
    (otherwise: unknown, wait: (ms: number | undefined) => number) =>
    (callback: Callback, ms?: number, ...args: unknown[]): unknown => {
      const process = insideNow()?.process;
      if (!process) return (otherwise as Callback)(callback, ms as never, ...args);
      return new SimulatedTimer(() => process.timer(wait(ms), () => callback(...args)));
    };
  const setTimeout = once(real.setTimeout, (ms) => Number(ms) || 1);
  const setInterval = (callback: Callback, ms?: number, ...args: unknown[]): unknown => {
    const process = insideNow()?.process;
    if (!process) return real.setInterval(callback, ms, ...args);
    return new SimulatedTimer((timer) =>
      process.timer(Number(ms) || 1, () => {
        timer.refresh();
        callback(...args);
      }),
    );
  };
  const setImmediate = (callback: Callback, ...args: unknown[]): unknown => {
    const process = insideNow()?.process;
    return process
      ? new SimulatedTimer(() => process.turn(() => callback(...args)))
      : real.setImmediate(callback, ...args);
  };
  return {
    setTimeout,
    setInterval,
    setImmediate,
    clearTimeout: clear(real.clearTimeout),
    clearInterval: clear(real.clearInterval),
    clearImmediate: clear(real.clearImmediate),
  } as unknown as Timers;
}

function simulatedDate(real: DateConstructor): DateConstructor {
  const now = (): number => insideNow()?.process.now() ?? real.now();
  return new Proxy(real, {
    get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
    apply: () => new real(now()).toString(),
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  });
}

let users = 0;
let restore: () => void = () => undefined;

/** Puts the simulated world's clock, timers and chance in the place of the real ones. @returns takes them away again */
export function simulateGlobals(): () => void {
  if (users++ === 0) restore = install();
  let mine = true;
  return () => {
    if (mine && --users === 0) restore();
    mine = false;
  };
}

function install(): () => void {
  const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate } = globalThis;
  const real = { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate };
  const { Date: realDate } = globalThis;
  const { random } = Math;
  const performanceNow = performance.now;
  const { randomUUID } = crypto;
  const uuid = (): ReturnType<typeof randomUUID> => {
    const process = insideNow()?.process;
    if (!process) return randomUUID.call(crypto);
    const hex = Array.from({ length: 32 }, () => Math.floor(process.random() * 16).toString(16)).join('');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
  };
  Object.assign(globalThis, simulatedTimers(real), { Date: simulatedDate(realDate) });
  Math.random = () => insideNow()?.process.random() ?? random();
  performance.now = () => insideNow()?.process.mono() ?? performanceNow.call(performance);
  Object.defineProperty(crypto, 'randomUUID', { value: uuid, configurable: true, writable: true });
  return () => {
    Object.assign(globalThis, real, { Date: realDate });
    Math.random = random;
    performance.now = performanceNow;
    Object.defineProperty(crypto, 'randomUUID', { value: randomUUID, configurable: true, writable: true });
  };
}
