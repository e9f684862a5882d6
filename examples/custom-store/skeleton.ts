// #region skeleton

import type { Commit, CommitResult, Entry, Key, Limits, ScanPage, Snapshot, Store } from '@motion-ts/core/store';
import * as contract from '@motion-ts/core/store';

export class MyStore implements Store {
  readonly limits: Limits = { valueBytes: 1e6, commitBytes: 4e6, commitOps: 1_000, getKeys: 100, getBytes: 8e6 };

  async get(partition: string, keys: readonly Key[]) {
    contract.assertGet(partition, keys, this.limits);
    return todo<Snapshot>('one consistent view: C3, C4');
  }
  async list(partition: string, range: { prefix: string; after?: Key; limit: number }) {
    contract.assertList(partition, range);
    return todo<readonly Entry[]>('a page of entries, in bytewise order of their keys');
  }
  async commit(partition: string, commit: Commit) {
    contract.assertCommit(partition, commit, this.limits);
    return todo<CommitResult>('everything: C1, C2, C5, C6');
  }
  scan = async () => todo<ScanPage>('partitions that are due, or whose names begin so');
  cacheGet = async () => todo<Uint8Array | undefined>('a cached value; it may be gone');
  cacheSet = async () => todo<void>('a value for so many milliseconds');
  cacheClear = async () => todo<void>('what is cached for a partition, by whomever');
  close = async () => todo<void>('C12');
}

function todo<T>(what: string): T {
  throw new contract.StoreError('unavailable', `to do: ${what}`);
}
// #endregion
