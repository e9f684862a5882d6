import { type Got, type Key, type Limits, type Revision, type Snapshot, StoreError } from '@motion-ts/core/store';
import { type Connection, rowsOf, type Statement } from './connection.js';

/** The value of an entry, wherever it lives. */
export const valueColumn = (entry: string): string =>
  `CASE typeof(${entry}.v) WHEN 'integer' THEN (SELECT v FROM large WHERE id = ${entry}.v) ELSE ${entry}.v END`;

/** What a read found: the due is absolute, by the clock of this machine. */
export interface Found {
  readonly seq: number;
  readonly due: number | null;
  readonly entries: (Got | undefined)[];
}

/** Up to here one statement reads it all: faster than BEGIN, a statement per key and COMMIT. */
const JOINED_KEYS = 8;

/** Reads snapshots: one SELECT is one, and so is what happens between BEGIN and COMMIT. */
export class SnapshotReader {
  readonly #connection: Connection;
  readonly #limits: Limits;
  /** By the number of keys. */
  readonly #joined: Statement[] = [];
  readonly #head: Statement;
  readonly #entry: Statement;
  readonly #begin: Statement;
  readonly #end: Statement;

  constructor(connection: Connection, limits: Limits) {
    this.#connection = connection;
    this.#limits = limits;
    this.#head = rowsOf(connection, "SELECT seq, due FROM entry WHERE p = ? AND k = ''");
    this.#entry = rowsOf(
      connection,
      `SELECT rev, CASE WHEN rev = ? THEN NULL ELSE ${valueColumn('entry')} END FROM entry WHERE p = ? AND k = ?`,
    );
    this.#begin = connection.prepare('BEGIN');
    this.#end = connection.prepare('COMMIT');
  }

  read(partition: string, keys: readonly Key[], known: readonly (Revision | undefined)[] | undefined): Found {
    return keys.length <= JOINED_KEYS
      ? this.#readJoined(partition, keys, known)
      : this.#readMany(partition, keys, known);
  }

  #readJoined(partition: string, keys: readonly Key[], known: readonly (Revision | undefined)[] | undefined): Found {
    this.#joined[keys.length] ??= rowsOf(this.#connection, joinOf(keys.length));
    const statement = this.#joined[keys.length] as Statement;
    let row: unknown[];
    // One key is the hot path, so it is spared the array.
    if (keys.length === 1) row = statement.get(known?.[0] ?? '', partition, partition, keys[0]) as unknown[];
    else {
      const parameters: string[] = keys.map((_, i) => known?.[i] ?? '');
      parameters.push(partition);
      for (const key of keys) parameters.push(partition, key);
      row = statement.get(...parameters) as unknown[];
    }
    const entries: (Got | undefined)[] = [];
    for (let i = 0; i < keys.length; i++) entries.push(got(keys[i] as Key, row[2 * i + 2], row[2 * i + 3]));
    return { seq: (row[0] as number | null) ?? 0, due: row[1] as number | null, entries };
  }

  #readMany(partition: string, keys: readonly Key[], known: readonly (Revision | undefined)[] | undefined): Found {
    this.#begin.run();
    try {
      const head = this.#head.get(partition) as [number, number | null] | undefined;
      const entries: (Got | undefined)[] = [];
      let bytes = 0;
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i] as Key;
        const row = this.#entry.get(known?.[i] ?? '', partition, key) as [unknown, unknown] | undefined;
        const entry = row && got(key, row[0], row[1]);
        bytes += entry?.value?.byteLength ?? 0;
        if (bytes > this.#limits.getBytes)
          throw new StoreError(
            'too_large',
            `get of ${keys.length} keys in ${partition} brings more than ${this.#limits.getBytes} bytes; ask for fewer keys`,
          );
        entries.push(entry);
      }
      return { seq: head?.[0] ?? 0, due: head?.[1] ?? null, entries };
    } finally {
      if (this.#connection.inTransaction) this.#end.run();
    }
  }
}

/** A snapshot as the contract gives it. */
export function snapshotOf(found: Found): Snapshot {
  return { seq: found.seq, dueIn: found.due === null ? null : found.due - Date.now(), entries: found.entries };
}

/** better-sqlite3 copies every value into memory of its own, but as a Buffer, whose `slice` would share it. */
export function bytesOf(value: unknown): Uint8Array {
  const { buffer, byteOffset, byteLength } = value as Uint8Array;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function got(key: Key, rev: unknown, value: unknown): Got | undefined {
  if (rev === null) return undefined;
  return value === null ? { key, rev: rev as Revision } : { key, rev: rev as Revision, value: bytesOf(value) };
}

function joinOf(keys: number): string {
  const at = Array.from({ length: keys }, (_, i) => `e${i}`);
  const columns = at.map((e) => `, ${e}.rev, CASE WHEN ${e}.rev = ? THEN NULL ELSE ${valueColumn(e)} END`);
  const joins = at.map((e) => ` LEFT JOIN entry ${e} ON ${e}.p = ? AND ${e}.k = ?`);
  return `SELECT h.seq, h.due${columns.join('')} FROM (SELECT 1) LEFT JOIN entry h ON h.p = ? AND h.k = ''${joins.join('')}`;
}
