/** The contract between core and a store, and the lock that is derived from it. Adapters import nothing else of core. */

export type { OptionNames } from '../option-names.js';
export {
  appendKey,
  assertCacheable,
  assertCommit,
  assertGet,
  assertList,
  assertName,
  assertOptions,
  dueCursor,
  parseDueCursor,
  shardOf,
} from './arguments.js';
export type {
  Check,
  Commit,
  CommitResult,
  Entry,
  Got,
  Key,
  Limits,
  Put,
  Revision,
  ScanPage,
  ScanQuery,
  Snapshot,
  Store,
} from './contract.js';
export { StoreError, type StoreErrorCode } from './errors.js';
export type { FencedCommit } from './fence.js';
export { Lease, type LeaseOptions } from './lease.js';
export { type Listener, Listeners } from './listeners.js';
