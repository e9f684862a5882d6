import * as core from '@motion-ts/core';
import { describe, expect, test } from 'vitest';
import { describeFailure, simulateSeed, simulateSeeds, type Totals } from '../../src/simulation/journal/run.js';

/** Of each kind. A number of one's own: `SIMULATION_SEEDS=5000`, from seed `SIMULATION_FIRST=1` on. */
const SEEDS = Number(process.env['SIMULATION_SEEDS'] ?? (process.env['MOTION_NIGHTLY'] ? 25_000 : 700));
const FIRST = Number(process.env['SIMULATION_FIRST'] ?? 1);
const TIMEOUT = 120_000 + SEEDS * 200;

function report(what: string, { seeds, seconds, counts, failed }: Totals): void {
  const figures = Object.entries(counts).map(([name, n]) => `${name} ${n}`);
  console.log(`${what}: ${seeds} seeds in ${seconds.toFixed(1)} s, ${failed.length} failed; ${figures.join(', ')}`);
}

function assertNoFailure({ failed }: Totals): void {
  expect(failed.map(describeFailure).join('\n')).toBe('');
}

describe('the queue and the runtime, while processes die and stall and the store is as weak as its contract allows', () => {
  test(`keep every promise, ${SEEDS} times`, { timeout: TIMEOUT }, async () => {
    const totals = await simulateSeeds(FIRST, SEEDS, { core, mostFailures: 5 });
    report('simulation', totals);
    assertNoFailure(totals);
    // What never happened was not tested.
    const least: Record<string, number> = {
      kills: SEEDS,
      pauses: SEEDS / 2,
      closes: SEEDS / 4,
      takeovers: SEEDS / 2,
      carefulModes: SEEDS / 3,
      unknownButApplied: SEEDS,
      lateDuplicates: SEEDS,
      refusedReleases: SEEDS / 7,
      deadLetters: SEEDS / 2,
      redriven: SEEDS / 20,
      discarded: SEEDS / 4,
      retries: SEEDS,
      splitBatches: SEEDS / 4,
      chunked: SEEDS / 2,
      clears: SEEDS / 4,
      direct: SEEDS / 7,
    };
    for (const [name, n] of Object.entries(least)) expect(totals.counts[name], name).toBeGreaterThan(n);
  });

  test(`keep them when the store falls back to an earlier moment, ${SEEDS} times`, { timeout: TIMEOUT }, async () => {
    const totals = await simulateSeeds(FIRST, SEEDS, { core, rollback: true, mostFailures: 5 });
    report('simulation with rollbacks', totals);
    assertNoFailure(totals);
    expect(totals.counts['rollbacks']).toBeGreaterThan(3 * SEEDS);
  });

  test('happen in the same way again for the same seed', async () => {
    for (const seed of [3, 14, 159]) {
      const once = await simulateSeed(seed, { core });
      const again = await simulateSeed(seed, { core });
      expect(again.hash).toBe(once.hash);
      expect(again.counts).toEqual(once.counts);
    }
  });
});
