import { type Entry, type Key, type ScanPage, type ScanQuery, StoreError, shardOf } from '@motion-ts/core/store';
import { type Connection, rowsOf, type Statement, valuesOf } from './connection.js';
import { bytesOf, valueColumn } from './snapshot.js';

/** Rows of a page of a scan. */
const PAGE = 1000;
/** A page of a list is cut where its values reach this. */
const PAGE_BYTES = 16 * 2 ** 20;
/** Behind every name: names end at \x7e. */
const BEHIND = '\x7f';

/** Walks through many rows a page at a time: `list` and `scan`. */
export class Walker {
  readonly #list: Statement;
  readonly #due: Statement;
  readonly #names: Statement;

  constructor(connection: Connection) {
    this.#list = rowsOf(
      connection,
      `SELECT k, rev, ${valueColumn('entry')} FROM entry WHERE p = ? AND k >= ? AND k < ? AND k > ? ORDER BY k LIMIT ?`,
    );
    this.#due = rowsOf(
      connection,
      'SELECT p, due FROM head WHERE due IS NOT NULL AND due <= ? AND (due, p) > (?, ?) ORDER BY due, p LIMIT ?',
    );
    this.#names = valuesOf(connection, 'SELECT p FROM head WHERE p >= ? AND p < ? AND p > ? ORDER BY p LIMIT ?');
  }

  list(partition: string, prefix: string, after: Key | undefined, limit: number): Entry[] {
    const entries: Entry[] = [];
    let bytes = 0;
    // Iterated, so that a page of large values need not be read whole only to be cut.
    for (const row of this.#list.iterate(partition, prefix, prefix + BEHIND, after ?? '', limit)) {
      const [key, rev, value] = row as [string, string, unknown];
      entries.push({ key, rev, value: bytesOf(value) });
      bytes += (value as Uint8Array).byteLength;
      if (bytes >= PAGE_BYTES) break;
    }
    return entries;
  }

  scan(query: ScanQuery, cursor: string | undefined): ScanPage {
    return 'due' in query ? this.#scanDue(query.shard, cursor) : this.#scanPrefix(query.prefix, cursor);
  }

  // The cursor is `<due> <name>` of the last row looked at: names hold no space.
  #scanDue(shard: readonly [index: number, of: number] | undefined, cursor: string | undefined): ScanPage {
    const [afterDue, afterName] = cursor === undefined ? [Number.MIN_SAFE_INTEGER, ''] : parseDueCursor(cursor);
    const rows = this.#due.all(Date.now(), afterDue, afterName, PAGE) as [string, number][];
    const partitions: string[] = [];
    for (const [name] of rows) if (shard === undefined || shardOf(name, shard[1]) === shard[0]) partitions.push(name);
    const last = rows[PAGE - 1];
    return last === undefined ? { partitions } : { partitions, cursor: `${last[1]} ${last[0]}` };
  }

  #scanPrefix(prefix: string, cursor: string | undefined): ScanPage {
    const partitions = this.#names.all(prefix, prefix + BEHIND, cursor ?? '', PAGE) as string[];
    const last = partitions[PAGE - 1];
    return last === undefined ? { partitions } : { partitions, cursor: last };
  }
}

function parseDueCursor(cursor: string): [due: number, name: string] {
  const space = cursor.indexOf(' ');
  const due = Number(cursor.slice(0, space));
  if (space < 1 || Number.isNaN(due))
    throw new StoreError(
      'invalid',
      `${JSON.stringify(cursor)} is no cursor of this store: give the one of the last page`,
    );
  return [due, cursor.slice(space + 1)];
}
