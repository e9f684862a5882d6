import {
  appendKey,
  type Check,
  type Commit,
  type CommitResult,
  type Key,
  type Put,
  StoreError,
} from '@motion-ts/core/store';
import { type Connection, rowsOf, type Statement, valuesOf } from './connection.js';

/** A row of the tree must fit a quarter of its 4 KiB page, or every look at it reads all of it (see `schema.ts`). */
const ROW_BYTES = 900;

/** The head of a partition. */
export interface Head {
  readonly seq: number;
  readonly due: number | null;
}

/** What a commit did. */
export interface Applied {
  readonly result: CommitResult;
  /** The head after it, if it was looked at. */
  readonly head?: Head;
}

/** Judges and applies commits, inside a write transaction that its caller opens and ends. */
export class Applier {
  readonly #revision: Statement;
  readonly #head: Statement;
  readonly #setHead: Statement;
  readonly #setSeq: Statement;
  readonly #deleteHead: Statement;
  readonly #create: Statement;
  readonly #replace: Statement;
  readonly #put: Statement;
  readonly #putLarge: Statement;
  readonly #insertLarge: Statement;
  readonly #delete: Statement;
  readonly #anyEntry: Statement;

  constructor(connection: Connection) {
    const upsert = 'ON CONFLICT (p, k) DO UPDATE SET rev = excluded.rev, v = excluded.v';
    this.#revision = valuesOf(connection, 'SELECT rev FROM entry WHERE p = ? AND k = ?');
    this.#head = rowsOf(connection, 'SELECT seq, due FROM head WHERE p = ?');
    this.#setHead = connection.prepare(
      'INSERT INTO head VALUES (?, ?, ?) ON CONFLICT (p) DO UPDATE SET seq = excluded.seq, due = excluded.due',
    );
    this.#setSeq = connection.prepare('UPDATE head SET seq = ? WHERE p = ?');
    this.#deleteHead = connection.prepare('DELETE FROM head WHERE p = ?');
    this.#create = connection.prepare('INSERT INTO entry VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING');
    this.#replace = connection.prepare('UPDATE entry SET rev = ?, v = ? WHERE p = ? AND k = ? AND rev = ?');
    this.#put = connection.prepare(`INSERT INTO entry VALUES (?, ?, ?, ?) ${upsert}`);
    this.#putLarge = connection.prepare(`INSERT INTO entry VALUES (?, ?, ?, last_insert_rowid()) ${upsert}`);
    this.#insertLarge = connection.prepare('INSERT INTO large (v) VALUES (?)');
    this.#delete = connection.prepare('DELETE FROM entry WHERE p = ? AND k = ?');
    this.#anyEntry = valuesOf(connection, 'SELECT k FROM entry WHERE p = ? LIMIT 1');
  }

  /** Writes nothing if a check fails. If it throws, the caller must roll back. */
  apply(partition: string, commit: Commit): Applied {
    const { id, checks, puts, appends, deletes, due, seqIs } = commit;
    const appended = appends === undefined ? 0 : appends.length;
    const [check, put] = foldable(partition, checks, puts);
    const head = appended > 0 || due !== undefined || seqIs !== undefined ? this.#readHead(partition) : undefined;

    const failed: string[] = [];
    if (checks !== undefined)
      for (const other of checks)
        if (other !== check && (this.#revision.get(partition, other.key) ?? null) !== other.rev) failed.push(other.key);
    if (seqIs !== undefined && (head?.seq ?? 0) !== seqIs) failed.push('#seq');
    if (failed.length > 0) return { result: { ok: false, failed } };
    // The last check is its own write, and the first write: should it fail, nothing was written.
    if (check !== undefined && put !== undefined && !this.#checkAndPut(partition, id, check, put.value))
      return { result: { ok: false, failed: [check.key] } };

    if (puts !== undefined)
      for (const other of puts) if (other !== put) this.#write(partition, other.key, id, other.value);
    const seq = (head?.seq ?? 0) + appended;
    if (appends !== undefined)
      for (let i = 0; i < appended; i++)
        this.#write(partition, appendKey(seq - appended + i + 1), id, appends[i] as Uint8Array);
    if (deletes !== undefined) for (const key of deletes) this.#delete.run(partition, key);
    const after = appended > 0 || due !== undefined ? this.#writeHead(partition, head, seq, due) : undefined;
    if (commit.drop) this.#drop(partition);
    const result: CommitResult = appended > 0 ? { ok: true, seq } : { ok: true };
    return after === undefined ? { result } : { result, head: after };
  }

  #readHead(partition: string): Head | undefined {
    const row = this.#head.get(partition) as [number, number | null] | undefined;
    return row && { seq: row[0], due: row[1] };
  }

  // Writes no more than what changes: an unchanged due leaves the pages of its index alone.
  #writeHead(partition: string, before: Head | undefined, seq: number, set: Commit['due']): Head {
    const due = dueAfter(before?.due ?? null, set);
    if (before === undefined || before.due !== due) this.#setHead.run(partition, seq, due);
    else if (before.seq !== seq) this.#setSeq.run(seq, partition);
    return { seq, due };
  }

  #checkAndPut(partition: string, id: string, check: Check, value: Uint8Array): boolean {
    const { changes } =
      check.rev === null
        ? this.#create.run(partition, check.key, id, value)
        : this.#replace.run(id, value, partition, check.key, check.rev);
    return changes === 1;
  }

  #write(partition: string, key: Key, id: string, value: Uint8Array): void {
    if (fitsRow(partition, key, value)) this.#put.run(partition, key, id, value);
    else {
      this.#insertLarge.run(value);
      this.#putLarge.run(partition, key, id);
    }
  }

  #drop(partition: string): void {
    const survivor = this.#anyEntry.get(partition);
    if (survivor !== undefined)
      throw new StoreError(
        'invalid',
        `drop of ${partition} would leave ${survivor}: delete every entry in that commit`,
      );
    this.#deleteHead.run(partition);
  }
}

/** The first check whose key is put as well, in a row of its own: those two can be one statement. */
function foldable(
  partition: string,
  checks: readonly Check[] | undefined,
  puts: readonly Put[] | undefined,
): readonly [Check, Put] | readonly [] {
  // The search is quadratic, and worth it only for the few checks that core makes.
  if (checks === undefined || puts === undefined || checks.length * puts.length > 64) return [];
  for (const check of checks)
    for (const put of puts)
      if (put.key === check.key) return fitsRow(partition, put.key, put.value) ? [check, put] : [];
  return [];
}

function fitsRow(partition: string, key: Key, value: Uint8Array): boolean {
  return partition.length + key.length + value.byteLength <= ROW_BYTES;
}

function dueAfter(before: number | null, set: Commit['due']): number | null {
  if (set === undefined) return before;
  if ('ifNullIn' in set) return before ?? Math.ceil(Date.now() + set.ifNullIn);
  return set.in === null ? null : Math.ceil(Date.now() + set.in);
}
