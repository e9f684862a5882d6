import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FaultOptions, FaultReport } from '@motion-ts/test-harness';
import { afterAll, expect } from 'vitest';

/** All sizes: `MOTION_NIGHTLY=1`. What runs on every change is a fraction. */
export const nightly: boolean = process.env['MOTION_NIGHTLY'] === '1';

const directory = mkdtempSync(join(tmpdir(), 'motion-faults-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;

/** A SQLite file that goes with the tests of its file. `MOTION_SEED=n` repeats a run's choices. */
export function place(alteration?: string): FaultOptions {
  const seed = process.env['MOTION_SEED'];
  return {
    // A process that dies takes nothing with it that was written: only a power loss would, and there is none here.
    store: {
      module: new URL('./open.mjs', import.meta.url),
      argument: { path: join(directory, `${files++}.db`), synchronous: 'NORMAL' },
    },
    ...(seed !== undefined && { seed: Number(seed) }),
    ...(alteration !== undefined && { alteration }),
  };
}

export function expectFine({ problems, seed }: FaultReport): void {
  expect(problems, `seed ${seed}`).toEqual([]);
}
