import type { Check, Commit, Key, Limits, Put } from '@motion-ts/core/store';

const MiB = 2 ** 20;

/** SQLite takes more; beyond these, one call would hold the event loop and the write lock for too long. */
export const LIMITS: Limits = {
  valueBytes: 8 * MiB,
  commitBytes: 64 * MiB,
  commitOps: 10_000,
  getKeys: 500,
  getBytes: 64 * MiB,
};

/** A commit whose bytes are nobody else's. Every copy has the same shape, which keeps the code that reads it fast. */
export interface OwnCommit {
  readonly id: string;
  readonly checks: readonly Check[];
  readonly seqIs: number | undefined;
  readonly puts: readonly Put[];
  readonly appends: readonly Uint8Array[];
  readonly deletes: readonly Key[];
  readonly due: Commit['due'];
  readonly drop: boolean;
}

const NONE: readonly never[] = [];

/** Copies a commit. `new Uint8Array(bytes)` copies; `bytes.slice()` would not if the caller gives a Buffer. */
export function copyOf(commit: Commit): OwnCommit {
  const { id, checks = NONE, seqIs, puts, appends, deletes = NONE, due, drop = false } = commit;
  return {
    id,
    checks,
    seqIs,
    puts: puts === undefined ? NONE : puts.map(({ key, value }) => ({ key, value: new Uint8Array(value) })),
    appends: appends === undefined ? NONE : appends.map((value) => new Uint8Array(value)),
    deletes,
    due,
    drop,
  };
}

/** About how many bytes a commit brings. */
export function bytesIn(commit: OwnCommit): number {
  let bytes = 0;
  for (const put of commit.puts) bytes += put.value.byteLength;
  for (const value of commit.appends) bytes += value.byteLength;
  return bytes;
}
