import { join } from 'node:path';
import { contention } from '@motion-ts/test-harness';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { temporaryDirectory } from './directory.js';

const nightly = process.env['MOTION_NIGHTLY'] === '1';
const directory = temporaryDirectory();

test('four processes on one file leave it whole, and stand still for no lock', { timeout: 300_000 }, async () => {
  const path = join(directory, 'shared.db');
  const { problems, seed } = await contention({
    store: { module: new URL('./open.mjs', import.meta.url), argument: { path, synchronous: 'NORMAL' } },
    commits: nightly ? 20_000 : 2_000,
    // By night nothing else runs, and the goal holds.
    mostStallMs: nightly ? 200 : 1_000,
  });
  expect(problems, `seed ${seed}`).toEqual([]);
  const file = new Database(path, { readonly: true });
  expect(file.pragma('integrity_check', { simple: true })).toBe('ok');
  file.close();
});
