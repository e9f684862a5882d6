import type { Limits } from '@motion-ts/core/store';
import {
  type Circumstances,
  type Trouble as CommonTrouble,
  troubles as common,
  drawCircumstances,
  roomy,
} from '../circumstances.js';
import type { Random } from '../random.js';

/** What can be switched off, to find out what a failure needs. */
export type Trouble = CommonTrouble | 'clears' | 'poison' | 'failures';
export const troubles: readonly Trouble[] = [...common, 'clears', 'poison', 'failures'];

/** What callers do, and how often. */
export interface Mix {
  readonly tell: number;
  readonly note: number;
  readonly triple: number;
  readonly aging: number;
  readonly newest: number;
  readonly hasty: number;
  readonly stubborn: number;
  readonly stream: number;
  readonly ask: number;
  readonly writeState: number;
  readonly readState: number;
  readonly flush: number;
  readonly letters: number;
  readonly inspect: number;
  readonly clear: number;
  readonly reopen: number;
}

/** Everything that is drawn for one run, but for its course. */
export interface Plan extends Circumstances {
  readonly instances: readonly string[];
  readonly mix: Mix;
  readonly poison: number;
  readonly failures: number;
  /** How many calls are waited for until they are committed. */
  readonly flushes: number;
  readonly big: number;
  readonly many: number;
  /** How many names the keys of the state have, beside a few. */
  readonly names: number;
  /** How often an update changes as many keys as it may. */
  readonly wide: number;
  readonly keyed: number;
  /** Whether the clocks go on by hours at the end, so that what nobody refers to is swept. */
  readonly sweep: boolean;
}

/** Narrow ones let small values be big. */
function drawLimits(random: Random): Limits {
  if (random.chance(0.3)) return roomy;
  const getKeys = random.int(12, 60);
  const bytesPerKey = random.pick([400, 800, 2_000]);
  return {
    getKeys,
    getBytes: getKeys * bytesPerKey,
    // Room for the names of all keys that there may be.
    valueBytes: Math.max(800, random.pick([1, 2, 20]) * bytesPerKey),
    commitOps: random.int(20, 60),
    commitBytes: random.pick([40_000, 80_000, 200_000]),
  };
}

/** Draws a run. */
export function drawPlan(random: Random, without: ReadonlySet<Trouble>, withRollback: boolean): Plan {
  const on = (trouble: Trouble): boolean => !without.has(trouble);
  const weight = (often: number, most: number): number => (random.chance(often) ? random.int(1, most) : 0);
  return {
    ...drawCircumstances(random, without, withRollback, drawLimits),
    instances: ['A', 'B', 'C'].slice(0, random.pick([1, 1, 2, 3])),
    mix: {
      tell: random.int(2, 10),
      note: weight(0.7, 5),
      triple: weight(0.5, 5),
      aging: weight(0.3, 3),
      newest: weight(0.3, 3),
      hasty: weight(0.3, 2),
      stubborn: weight(0.4, 3),
      stream: weight(0.3, 2),
      ask: weight(0.4, 4),
      writeState: weight(0.5, 3),
      readState: weight(0.5, 3),
      flush: weight(0.5, 2),
      letters: weight(0.5, 2),
      inspect: weight(0.3, 1),
      clear: on('clears') ? weight(0.3, 1) : 0,
      reopen: weight(0.3, 1),
    },
    poison: on('poison') && random.chance(0.2) ? 0.02 : 0,
    failures: on('failures') ? random.pick([0, 0.05, 0.3]) : 0,
    flushes: random.pick([0.1, 0.4, 0.9]),
    big: random.pick([0, 0.1, 0.4]),
    many: random.pick([0, 0.2, 0.6]),
    names: random.pick([0, 6, 40]),
    wide: random.pick([0, 0, 0.1, 0.5]),
    keyed: random.pick([0, 0.15, 0.5]),
    sweep: random.chance(0.3),
  };
}
