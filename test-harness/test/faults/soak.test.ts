import { soak } from '@motion-ts/test-harness';
import { describe, expect, test } from 'vitest';
import { expectFine, nightly, place } from './places.js';

/** How long: `MOTION_SOAK_SECONDS`. */
const seconds = Number(process.env['MOTION_SOAK_SECONDS'] ?? (nightly ? 600 : 10));

describe('all faults at once', () => {
  test('for long leave nothing behind', { timeout: seconds * 1_000 + 180_000 }, async () => {
    // A short one still warms up, and measures no growth.
    const growth = seconds >= 120 ? 0.1 : 1;
    const report = await soak({ ...place(), durationMs: seconds * 1_000, growth, updates: 100 });
    expectFine(report);
    expect(report.figures['kills']).toBeGreaterThan(0);
    expect(report.figures['stale commits refused']).toBeGreaterThan(0);
  });

  test('show memory that is not given back', { timeout: 240_000 }, async () => {
    const grew = /heap grew from/;
    let problems = '';
    // How much it has to do, and so how much it leaks, is up to chance.
    for (let n = 0; n < 4 && !grew.test(problems); n++)
      problems = (await soak({ ...place('leaks'), durationMs: 8_000, updates: 100 })).problems.join('\n');
    expect(problems).toMatch(grew);
  });
});
