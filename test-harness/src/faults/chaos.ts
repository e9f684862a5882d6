import { AimedStops } from './aimed-stops.js';
import { Kills } from './kills.js';
import { Load, type LoadOptions } from './load.js';
import type { FaultReport } from './options.js';

/** Options of {@link chaos}. */
export interface ChaosOptions extends LoadOptions {
  /** Processes killed at random moments. Default: 0. */
  readonly kills?: number;
  /** Processes stopped inside an update, until another has taken it over. Default: 0. */
  readonly pauses?: number;
  /** Stops at the same time; there should be more workers and instances than that. Default: 2. */
  readonly pausesAtOnce?: number;
}

/**
 * Real processes on a real store, killed with SIGKILL at random moments, and stopped with SIGSTOP inside an update for
 * longer than their lease lasts. Then all is let go, and accounted for: no acknowledged call is lost, none took effect
 * twice, those of a caller took effect in order, and every commit of a holder that woke up too late was refused.
 *
 * @returns what went wrong, and how much was done
 * @example
 * const { problems } = await chaos({
 *   store: { module: new URL('./open.mjs', import.meta.url), argument: { path } },
 *   updates: 1_000,
 *   kills: 60,
 * });
 */
export function chaos(options: ChaosOptions): Promise<FaultReport> {
  const { kills = 0, pauses = 0, pausesAtOnce } = options;
  return new Load(options).run('chaos', [new Kills(kills), new AimedStops(pauses, pausesAtOnce)]);
}
