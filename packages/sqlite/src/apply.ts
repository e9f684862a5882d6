import { appendKey, type Check, type CommitResult, type Put, StoreError } from '@motion-ts/core/store';
import type { OwnCommit } from './arguments.js';
import type { Connection } from './connection.js';
import { Entries, fitsRow } from './entries.js';
import type { Head, Heads } from './heads.js';

/** What a commit did. */
export interface Applied {
  readonly result: CommitResult;
  /** The head after it, if it was looked at. */
  readonly head: Head | undefined;
}

/** Judges and applies commits, inside a write transaction that its caller opens and ends. */
export class Applier {
  readonly #heads: Heads;
  readonly #entries: Entries;

  constructor(connection: Connection, heads: Heads) {
    this.#heads = heads;
    this.#entries = new Entries(connection);
  }

  /** Writes nothing if a check fails. If it throws, the caller must roll back. */
  apply(partition: string, commit: OwnCommit): Applied {
    const { id, checks, puts, appends, due, seqIs } = commit;
    const touchesHead = appends.length > 0 || due !== undefined;
    const head = touchesHead || seqIs !== undefined ? this.#heads.read(partition) : undefined;
    const put = foldable(partition, checks, puts);

    const failed: string[] = [];
    let folded: Check | undefined;
    for (const check of checks)
      if (put !== undefined && folded === undefined && check.key === put.key) folded = check;
      else if (this.#entries.revision(partition, check.key) !== check.rev) failed.push(check.key);
    if (seqIs !== undefined && (head?.seq ?? 0) !== seqIs) failed.push('#seq');
    if (failed.length > 0) return { result: { ok: false, failed }, head: undefined };
    // The last check is its own write, and the first write: should it fail, nothing was written.
    if (put !== undefined && folded !== undefined)
      if (!this.#entries.putIf(partition, put.key, folded.rev, id, put.value))
        return { result: { ok: false, failed: [put.key] }, head: undefined };

    for (const other of puts) if (other !== put) this.#entries.put(partition, other.key, id, other.value);
    let seq = head?.seq ?? 0;
    for (const value of appends) this.#entries.put(partition, appendKey(++seq), id, value);
    for (const key of commit.deletes) this.#entries.delete(partition, key);
    const after = touchesHead ? this.#heads.write(partition, head, seq, due) : undefined;
    if (commit.drop) this.#drop(partition);
    return { result: appends.length > 0 ? { ok: true, seq } : { ok: true }, head: after };
  }

  #drop(partition: string): void {
    const survivor = this.#entries.any(partition);
    if (survivor !== undefined)
      throw new StoreError(
        'invalid',
        `drop of ${partition} would leave ${survivor}: delete every entry in that commit`,
      );
    this.#heads.delete(partition);
  }
}

/** The first put, in a row of its own, whose key is checked as well: those two can be one statement. */
function foldable(partition: string, checks: readonly Check[], puts: readonly Put[]): Put | undefined {
  // The search is quadratic, and worth it only for the few checks that core makes.
  if (checks.length * puts.length > 64) return undefined;
  for (const check of checks)
    for (const put of puts) if (put.key === check.key && fitsRow(partition, put.key, put.value)) return put;
  return undefined;
}
