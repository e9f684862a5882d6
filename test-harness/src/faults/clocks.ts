import { AimedStops } from './aimed-stops.js';
import type { WrongClock } from './clock.js';
import { Kills } from './kills.js';
import { type Fault, Load, type LoadOptions, type Makeup } from './load.js';
import type { FaultReport } from './options.js';

/** Options of {@link clocks}. */
export interface ClocksOptions extends LoadOptions {
  /** Milliseconds that a process's clock is wrong by, at most, either way. Default: 3,600,000. */
  readonly wrongMs?: number;
  /** Milliseconds by which each clock jumps about once a second. Default: 600,000. */
  readonly jumpMs?: number;
  /** Processes killed. Default: 10. */
  readonly kills?: number;
  /** Processes stopped inside an update; only with a clock of the server's. Default: 4. */
  readonly pauses?: number;
  /**
   * Whether the store measures time by its server's clock. Then nothing may come late. Otherwise what one process finds due
   * may not be so for another, and one more worker, ahead of all, has to find what the dead have left.
   */
  readonly serverClock: boolean;
  /** Milliseconds within which another must take over from a killed one, with a clock of the server's. Default: ttl + 2,000. */
  readonly takeoverMs?: number;
}

/** In milliseconds. */
export const HOUR_MS = 3_600_000;
const KILL_PAUSE = [100, 500] as const;

/** Half of the processes are ahead, half behind, each by an amount of its own. */
export function wrongClock(wrongMs: number, jumpMs: number): NonNullable<Makeup['clock']> {
  return (place, random) => ({
    aheadMs: (place % 2 === 0 ? 1 : -1) * random.int(wrongMs / 2, wrongMs),
    jumpMs,
    seed: random.bits(),
  });
}

/** A worker ahead of all others finds what they left. */
class OneAhead implements Fault {
  private readonly clock: WrongClock;
  private readonly before: Fault;

  constructor(before: Fault, clock: WrongClock) {
    this.before = before;
    this.clock = clock;
  }

  async run(load: Load): Promise<void> {
    await this.before.run(load);
    await load.addWorker(this.clock).ready;
  }

  figures(load: Load): Readonly<Record<string, number>> {
    return this.before.figures(load);
  }
}

/** The bound of takeovers. */
class Punctual implements Fault {
  private readonly kills: Fault;
  private readonly ms: number;

  constructor(kills: Fault, ms: number) {
    this.kills = kills;
    this.ms = ms;
  }

  run(load: Load): Promise<void> {
    return this.kills.run(load);
  }

  figures(load: Load): Readonly<Record<string, number>> {
    const figures = this.kills.figures(load);
    const most = figures['taken over after a kill p100 ms'] ?? 0;
    if (most > this.ms) load.problems.push(`a takeover took ${most} ms, not ${this.ms}`);
    return figures;
  }
}

/**
 * The wall clock of every process is wrong by up to an hour, ahead or behind, and jumps. Time may decide nothing: 0 lost,
 * doubled, reordered, whoever holds what; and on a store with a clock of its own nobody is late either.
 */
export function clocks(options: ClocksOptions): Promise<FaultReport> {
  const { wrongMs = HOUR_MS, jumpMs = HOUR_MS / 6, kills = 10, pauses = 4, serverClock } = options;
  const ttlMs = options.ttlMs ?? 1_000;
  const load = new Load(
    { quietMs: ttlMs + 10_000, ...options, ttlMs },
    // One that finds an instance due too early takes it over in the middle of an update.
    { mostHoldMs: 30, clock: wrongClock(wrongMs, jumpMs) },
  );
  const killing = new Kills(kills, KILL_PAUSE);
  const faults = serverClock
    ? [new Punctual(killing, options.takeoverMs ?? ttlMs + 2_000), new AimedStops(pauses)]
    : [new OneAhead(killing, { aheadMs: 3 * wrongMs })];
  return load.run('clocks', faults);
}
