import type { Limits } from '@motion-ts/core/store';

const MiB = 2 ** 20;

/** PostgreSQL takes more; beyond these, one call would take too much of its timeout and of this process's memory. */
export const LIMITS: Limits = {
  valueBytes: 8 * MiB,
  commitBytes: 32 * MiB,
  commitOps: 10_000,
  getKeys: 500,
  getBytes: 32 * MiB,
};
