import { chaos, poison, recoveries, rollingStops } from '@motion-ts/test-harness';
import { describe, expect, test } from 'vitest';
import { expectFine, nightly, place } from './places.js';

describe('processes stopped inside an update, past their lease', () => {
  test('commit nothing when they go on', { timeout: 600_000 }, async () => {
    const pauses = nightly ? 200 : 50;
    // Most of the time goes by with waiting for leases to end: four at once, with others left to take over.
    const many = { pauses, pausesAtOnce: 4, instances: 8, workers: 6 };
    const report = await chaos({ ...place(), ...many, updates: 100, timeoutMs: nightly ? 500_000 : 150_000 });
    expectFine(report);
    expect(report.figures['stale commits refused']).toBeGreaterThanOrEqual(pauses);
  });
});

describe('an update that kills its process', () => {
  test('becomes a dead letter, and nothing else does', { timeout: 60_000 }, async () => {
    const report = await poison(place());
    expectFine(report);
    expect(report.figures).toMatchObject({ applied: 100, 'dead letters': 1 });
  });

  test('takes no update of other instances along, though they die with it', { timeout: 60_000 }, async () => {
    const report = await poison({ ...place(), updates: 4, neighbours: 6 });
    expectFine(report);
    expect(report.figures['dead letters']).toBe(1);
  });
});

describe('workers stopped in good order under load', () => {
  test('finish what they run, hand over at once and end by themselves', { timeout: 120_000 }, async () => {
    const stops = nightly ? 50 : 10;
    const report = await rollingStops({ ...place(), stops });
    expectFine(report);
    expect(report.figures).toMatchObject({ stops, 'run again': 0 });
    expect(report.figures['hand-over']).toBeGreaterThan(0);
  });
});

describe('an instance whose holder was killed', () => {
  test('goes on elsewhere soon', { timeout: 120_000 }, async () => {
    const samples = nightly ? 50 : 20;
    const report = await recoveries({ ...place(), samples, ttlMs: 1_000 });
    expectFine(report);
    expect(report.figures['recovered p100 ms']).toBeLessThan(nightly ? 2_500 : 5_000);
  });
});
