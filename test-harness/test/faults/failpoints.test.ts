import { crashAtFailpoints, FAILPOINTS } from '@motion-ts/test-harness';
import { describe, expect, test } from 'vitest';
import { expectFine, nightly, place } from './places.js';

/** Those around the commits that move an instance on; the others are left to the night. */
const EVERY_TIME = [
  'inside an update',
  'inside a serve',
  'after permit',
  'before create',
  'after create',
  'before append',
  'after append',
  'before take',
  'after take',
  'before drain commit',
  'after drain commit',
  'after direct commit',
  'before renew',
  'after chunk',
  'before release',
  'after release',
  'after clear mark',
  'after clear page',
];

describe('a process that crashes at a failpoint', () => {
  test('leaves nothing that another does not finish', { timeout: 180_000 }, async () => {
    const failpoints = nightly ? FAILPOINTS : EVERY_TIME;
    // By night nothing else runs, and the goal holds: ttl + 2 s.
    const report = await crashAtFailpoints({ ...place(), failpoints, ttlMs: 500, quietMs: nightly ? 2_500 : 5_000 });
    expectFine(report);
    expect(report.figures).toMatchObject({ failpoints: failpoints.length, lost: 0, doubled: 0, reordered: 0 });
  });

  test('has to be one that there is', async () => {
    await expect(crashAtFailpoints({ ...place(), failpoints: ['somewhere'] })).rejects.toThrow(
      "there is no failpoint 'somewhere'",
    );
  });
});
