import type { Limits } from '@motion-ts/core/store';
import { calm, drawFaults, type Faults } from './faults.js';
import type { Random } from './random.js';

/** Kinds of trouble: each can be switched off, to find out which of them a failure needs. */
export const troubles = [
  'loss',
  'duplicates',
  'slow',
  'refusals',
  'full',
  'torn',
  'kills',
  'pauses',
  'skew',
  'closes',
  'limits',
  'rollback',
] as const;
export type Trouble = (typeof troubles)[number];

/** What can befall a process. */
export type Incident = 'kill' | 'pause' | 'close' | 'jump';

/** What a run takes place in, whoever runs there. */
export interface Circumstances {
  readonly limits: Limits;
  readonly faults: Faults;
  readonly ttlMs: number;
  readonly storeTimeoutMs: number;
  /** Whether the store has `watch`. */
  readonly watch: boolean;
  readonly workers: number;
  readonly callers: number;
  /** Whether the workers share the instances out. */
  readonly sharded: boolean;
  /** How many kills, pauses, graceful closes and jumps of a clock there are. */
  readonly incidents: number;
  readonly incidentKinds: readonly Incident[];
  /** Whether the processes' clocks differ. */
  readonly skew: boolean;
  /** How often a replica takes over that lacks the last commits. */
  readonly rollbacks: number;
}

/** As much as DynamoDB takes. */
export const roomy: Limits = {
  valueBytes: 350_000,
  commitBytes: 3_500_000,
  commitOps: 98,
  getKeys: 100,
  getBytes: 4_000_000,
};

/** Draws what a run takes place in. Rates that are often zero make rare combinations come up. */
export function drawCircumstances(
  random: Random,
  without: ReadonlySet<string>,
  withRollback: boolean,
  drawLimits: (random: Random) => Limits,
): Circumstances {
  const on = (trouble: Trouble): boolean => !without.has(trouble);
  const drawn = drawFaults(random);
  const faults: Faults = {
    ...drawn,
    ...(!on('loss') && { loseRequest: 0, loseReply: 0 }),
    ...(!on('duplicates') && { duplicate: 0 }),
    ...(!on('slow') && { slow: 0 }),
    ...(!on('refusals') && { unavailable: 0 }),
    ...(!on('full') && { full: 0 }),
    ...(!on('torn') && { tornList: 0 }),
    timeoutMs: on('slow') || on('loss') ? drawn.timeoutMs : calm.timeoutMs,
  };
  const limits = drawLimits(random);
  const switchOf = { kill: 'kills', pause: 'pauses', close: 'closes', jump: 'skew' } as const;
  return {
    limits: on('limits') ? limits : roomy,
    faults,
    ttlMs: random.pick([500, 1_000, 3_000]),
    storeTimeoutMs: random.pick([3_000, 10_000, 30_000]),
    watch: random.chance(0.5),
    workers: random.int(0, 3),
    callers: random.int(1, 4),
    sharded: random.chance(0.2),
    incidents: random.pick([0, 3, 8, 15]),
    incidentKinds: (['kill', 'kill', 'pause', 'pause', 'close', 'jump'] as const).filter((kind) => on(switchOf[kind])),
    skew: on('skew') && random.chance(0.5),
    rollbacks: withRollback && on('rollback') ? random.pick([2, 6, 15]) : 0,
  };
}

/** What was drawn for a run, in a line; what is not there at all is left out. */
export function describeDrawn(plan: Circumstances): string {
  const told: string[] = [];
  const tell = (value: object): void => {
    for (const [name, each] of Object.entries(value)) {
      if (each === 0 || each === false) continue;
      if (Array.isArray(each)) told.push(`${name} ${[...new Set(each)].join('+')}`);
      else if (typeof each === 'object') tell(each);
      else told.push(`${name} ${typeof each === 'number' ? Math.round(each * 1_000) / 1_000 : each}`);
    }
  };
  tell(plan);
  return told.join(', ');
}
