import { clocks } from '@motion-ts/test-harness';
import { describe, expect, test } from 'vitest';
import { expectFine, nightly, place } from './places.js';

describe('processes whose clocks are wrong by up to an hour, and jump', () => {
  test('lose, double and reorder nothing, on a store that has no clock but theirs', { timeout: 300_000 }, async () => {
    const kills = nightly ? 100 : 10;
    const report = await clocks({ ...place(), serverClock: false, kills, updates: 300, timeoutMs: 250_000 });
    expectFine(report);
    expect(report.figures['takeovers']).toBeGreaterThan(kills / 2);
  });
});
