import { assertGet, type Commit, type Key, type Limits, StoreError } from '@motion-ts/core/store';

const MiB = 2 ** 20;

/** SQLite takes more; beyond these, one call would hold the event loop and the write lock for too long. */
export const LIMITS: Limits = {
  valueBytes: 8 * MiB,
  commitBytes: 64 * MiB,
  commitOps: 10_000,
  getKeys: 500,
  getBytes: 64 * MiB,
};

/** A commit whose bytes are nobody else's, and how many they are. */
export function copyOf(commit: Commit): { copy: Commit; bytes: number } {
  if (commit.puts === undefined && commit.appends === undefined) return { copy: commit, bytes: 0 };
  let bytes = 0;
  // `new Uint8Array(bytes)` copies; `bytes.slice()` would not if the caller gives a Buffer.
  const own = (value: Uint8Array): Uint8Array => {
    bytes += value.byteLength;
    return new Uint8Array(value);
  };
  const copy: Commit = {
    ...commit,
    puts: commit.puts?.map(({ key, value }) => ({ key, value: own(value) })) ?? [],
    appends: commit.appends?.map(own) ?? [],
  };
  return { copy, bytes };
}

/** @throws StoreError `invalid`, `too_large` */
export function assertCacheable(partition: string, key: Key, value: Uint8Array, ttlMs: number): void {
  assertGet(partition, [key], LIMITS);
  const what = `the cached value of ${key} in ${partition}`;
  if (!(value instanceof Uint8Array)) throw new StoreError('invalid', `${what} is no Uint8Array`);
  if (!Number.isFinite(ttlMs))
    throw new StoreError('invalid', `${what} has a ttlMs of ${ttlMs}: give a number of milliseconds`);
  if (value.byteLength > LIMITS.valueBytes)
    throw new StoreError('too_large', `${what} has ${value.byteLength} bytes; this store takes ${LIMITS.valueBytes}`);
}
