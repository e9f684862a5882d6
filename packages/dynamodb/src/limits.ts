import type { Limits } from '@motion-ts/core/store';

/**
 * DynamoDB takes 400 KB an item, and 100 items and 4 MB a transaction; of those, the head takes one item. The bytes leave
 * room for keys, revisions and names of attributes, which DynamoDB counts as well. Those of a get leave more: they bound
 * what core puts into one entry, and what a commit deletes may count for its 4 MB too.
 */
export const LIMITS: Limits = {
  valueBytes: 350 * 1024,
  commitBytes: 3_500_000,
  commitOps: 99,
  getKeys: 99,
  getBytes: 2_000_000,
};
