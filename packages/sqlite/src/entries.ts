import type { Key, Revision } from '@motion-ts/core/store';
import { type Connection, type Statement, valuesOf } from './connection.js';

/** A row of the tree must fit a quarter of its 4 KiB page, or every look at it reads all of it (see `schema.ts`). */
const ROW_BYTES = 900;

/** Whether an entry is kept in one row, its value included. */
export function fitsRow(partition: string, key: Key, value: Uint8Array): boolean {
  return partition.length + key.length + value.byteLength <= ROW_BYTES;
}

const INSERT = 'INSERT INTO entry (p, k, rev, v)';
const UPSERT = 'ON CONFLICT (p, k) DO UPDATE SET rev = excluded.rev, v = excluded.v';

/**
 * Writes entries, inside a write transaction. Each method first tries the one statement that does for an entry whose
 * value is in its row; only if that changes nothing, it looks for a value in `large` to delete. Triggers would do the
 * same, but they make SQLite keep a journal of every statement.
 */
export class Entries {
  readonly #revision: Statement;
  readonly #create: Statement;
  readonly #replaceSmall: Statement;
  readonly #putSmall: Statement;
  readonly #put: Statement;
  readonly #putLarge: Statement;
  readonly #insertLarge: Statement;
  readonly #deleteLarge: Statement;
  readonly #deleteSmall: Statement;
  readonly #delete: Statement;
  readonly #any: Statement;

  constructor(connection: Connection) {
    const small = "typeof(v) <> 'integer'";
    this.#revision = valuesOf(connection, 'SELECT rev FROM entry WHERE p = ? AND k = ?');
    this.#create = connection.prepare(`${INSERT} VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`);
    this.#replaceSmall = connection.prepare(
      `UPDATE entry SET rev = ?, v = ? WHERE p = ? AND k = ? AND rev = ? AND ${small}`,
    );
    this.#putSmall = connection.prepare(`${INSERT} VALUES (?, ?, ?, ?) ${UPSERT} WHERE typeof(entry.v) <> 'integer'`);
    this.#put = connection.prepare(`${INSERT} VALUES (?, ?, ?, ?) ${UPSERT}`);
    this.#putLarge = connection.prepare(`${INSERT} VALUES (?, ?, ?, last_insert_rowid()) ${UPSERT}`);
    this.#insertLarge = connection.prepare('INSERT INTO large (v) VALUES (?)');
    this.#deleteLarge = connection.prepare(
      `DELETE FROM large WHERE id = (SELECT v FROM entry WHERE p = ? AND k = ? AND typeof(v) = 'integer')`,
    );
    this.#deleteSmall = connection.prepare(`DELETE FROM entry WHERE p = ? AND k = ? AND ${small}`);
    this.#delete = connection.prepare('DELETE FROM entry WHERE p = ? AND k = ?');
    this.#any = valuesOf(connection, "SELECT k FROM entry WHERE p = ? AND k > '' LIMIT 1");
  }

  /** The revision of an entry; null: it is absent. */
  revision(partition: string, key: Key): Revision | null {
    return (this.#revision.get(partition, key) as Revision | undefined) ?? null;
  }

  /** The key of any entry of a partition. */
  any(partition: string): Key | undefined {
    return this.#any.get(partition) as Key | undefined;
  }

  /** Writes an entry that {@link fitsRow} if it is at a revision, or, with null, absent. Returns whether it was. */
  putIf(partition: string, key: Key, was: Revision | null, rev: Revision, value: Uint8Array): boolean {
    if (was === null) return this.#create.run(partition, key, rev, value).changes === 1;
    if (this.#replaceSmall.run(rev, value, partition, key, was).changes === 1) return true;
    if (this.revision(partition, key) !== was) return false;
    this.put(partition, key, rev, value);
    return true;
  }

  put(partition: string, key: Key, rev: Revision, value: Uint8Array): void {
    const fits = fitsRow(partition, key, value);
    if (fits && this.#putSmall.run(partition, key, rev, value).changes === 1) return;
    this.#deleteLarge.run(partition, key);
    if (fits) this.#put.run(partition, key, rev, value);
    else {
      this.#insertLarge.run(value);
      this.#putLarge.run(partition, key, rev);
    }
  }

  delete(partition: string, key: Key): void {
    if (this.#deleteSmall.run(partition, key).changes === 1) return;
    this.#deleteLarge.run(partition, key);
    this.#delete.run(partition, key);
  }
}
