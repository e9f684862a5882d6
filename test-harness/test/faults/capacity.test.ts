import { backlog, servesDuringUpdate } from '@motion-ts/test-harness';
import { describe, expect, test } from 'vitest';
import { expectFine, nightly, place } from './places.js';

describe('a serve', () => {
  test('does not wait for an update that takes long', { timeout: 120_000 }, async () => {
    expectFine(await servesDuringUpdate({ ...place(), updateMs: nightly ? 30_000 : 5_000, mostMs: 2_000 }));
  });
});

describe('a long backlog, and many instances', () => {
  test('take no memory, and hide no update', { timeout: 900_000 }, async () => {
    const [updates, instances] = nightly ? [100_000, 10_000] : [10_000, 300];
    const report = await backlog({
      ...place(),
      updates,
      instances,
      growBytes: (nightly ? 32 : 16) * 2 ** 20,
      // By night nothing else runs, and the goal holds: 1 s.
      foundMs: nightly ? 1_000 : 5_000,
    });
    expectFine(report);
    expect(report.figures).toMatchObject({ lost: 0, doubled: 0, reordered: 0, found: 20 });
  });
});
