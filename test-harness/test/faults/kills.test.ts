import { chaos, keyedCalls } from '@motion-ts/test-harness';
import { describe, expect, test } from 'vitest';
import { expectFine, nightly, place } from './places.js';

describe('processes killed at random moments', () => {
  test('lose, double and reorder nothing that was acknowledged', { timeout: 900_000 }, async () => {
    const [kills, updates] = nightly ? [500, 10_000] : [60, 1_000];
    const report = await chaos({ ...place(), kills, updates, timeoutMs: nightly ? 800_000 : 120_000 });
    expectFine(report);
    expect(report.figures['taken over after a kill']).toBeGreaterThan(kills / 10);
    expect(report.figures['taken over after a kill p100 ms']).toBeLessThan(5_000);
  });

  test('with every append sent twice, each is applied once', { timeout: 60_000 }, async () => {
    expectFine(await chaos({ ...place('resends'), kills: 5, updates: 200 }));
  });
});

describe('callers killed in calls with idempotency keys', () => {
  test('that are made again, have one effect a key', { timeout: 120_000 }, async () => {
    const keys = nightly ? 300 : 90;
    const report = await keyedCalls({ ...place(), keys });
    expectFine(report);
    expect(report.figures['kills before the answers']).toBeGreaterThan(0);
  });
});
