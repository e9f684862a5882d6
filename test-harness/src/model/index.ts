import assert from 'node:assert/strict';
import type { Store } from '@motion-ts/core/store';
import * as fc from 'fast-check';
import { anything, type Draft, strict } from './drafts.js';
import { Difference, play } from './play.js';

/** Options of {@link compareWithModel}. */
export interface ModelOptions {
  /** `calls`: one after the other, all methods. `rounds`: up to three at once, which must have an order. */
  readonly kind: 'calls' | 'rounds';
  /** Clients of the same data. */
  readonly clients: readonly Store[];
  /** A name of a partition that was never given before. */
  readonly fresh: () => string;
  /** How many runs to do in all. */
  readonly runs: number;
  /** How many of them to do however long that takes. */
  readonly least: number;
  /** After so many milliseconds no further run begins. */
  readonly budgetMs: number;
  /** A number, or what a failed run printed. */
  readonly seed: number | string;
  /** How long a scan may need until it shows what is so, in ms. */
  readonly scanWithinMs: number;
}

/** What was compared. */
export interface Compared {
  readonly runs: number;
  readonly calls: number;
}

const MOST_CALLS = 50;
const MOST_ROUNDS = 16;
const MOST_AT_ONCE = 3;
/** Making a failed run smaller may take as long. */
const SHRINK_MS = 10_000;

/**
 * Plays random runs on a store and on the memory store, and compares every answer and the states at the end.
 *
 * @throws AssertionError with the smallest run found that tells them apart, and how to play it again
 * @throws TypeError for a seed that is none
 */
export async function compareWithModel(options: ModelOptions): Promise<Compared> {
  const { kind, clients, fresh, runs, least, budgetMs, scanWithinMs } = options;
  const { seed, path } = parseSeed(options.seed, kind);
  if (path === OF_ANOTHER) return { runs: 0, calls: 0 };
  const until = performance.now() + budgetMs;
  let [done, calls, failed] = [0, 0, false];
  let shrinkUntil = Number.POSITIVE_INFINITY;
  let smallest = '';
  const property = fc.asyncProperty(runsOf(kind), async (rounds) => {
    const now = performance.now();
    if (failed ? now > shrinkUntil : done >= least && now > until) return;
    try {
      calls += await play({ clients, rounds, base: fresh(), scanWithinMs });
      if (!failed) done++;
    } catch (error) {
      if (!failed) shrinkUntil = performance.now() + SHRINK_MS;
      failed = true;
      smallest = error instanceof Difference ? error.message : `  ${String(error)}`;
      throw error;
    }
  });
  const details = await fc.check(property, {
    seed,
    numRuns: path === undefined ? runs : 1,
    ...(path !== undefined && { path, endOnFailure: true }),
  });
  if (!details.failed) return { runs: done, calls };
  const replay = `${seed}:${kind}:${details.counterexamplePath}`;
  assert.fail(
    `the store does not do as the model does (run ${done + 1}, made smaller ${details.numShrinks} times):\n${smallest}\n` +
      `Play just this run again: MOTION_SEED=${replay}, or seed: '${replay}'`,
  );
}

function runsOf(kind: ModelOptions['kind']): fc.Arbitrary<readonly (readonly Draft[])[]> {
  if (kind === 'calls')
    return fc
      .array(anything, { minLength: 1, maxLength: MOST_CALLS, size: 'max' })
      .map((drafts) => drafts.map((draft) => [draft]));
  const round = fc.array(strict, { minLength: 1, maxLength: MOST_AT_ONCE, size: 'max' });
  return fc.array(round, { minLength: 1, maxLength: MOST_ROUNDS, size: 'max' });
}

const OF_ANOTHER: unique symbol = Symbol('of another kind');

/** A seed is a number; with the kind and the path of a run behind it, it stands for that run alone. */
function parseSeed(
  seed: number | string,
  kind: ModelOptions['kind'],
): { readonly seed: number; readonly path?: string | typeof OF_ANOTHER } {
  const [, number, of, path] = /^(-?\d+)(?::(calls|rounds):(\d+(?::\d+)*))?$/.exec(String(seed)) ?? [];
  if (number === undefined)
    throw new TypeError(
      `seed ${JSON.stringify(seed)} is neither a number nor what a failed run printed: give one, or leave MOTION_SEED out`,
    );
  if (path === undefined) return { seed: Number(number) };
  return { seed: Number(number), path: of === kind ? path : OF_ANOTHER };
}
