import {
  dueCursor,
  type Entry,
  type Key,
  parseDueCursor,
  type ScanPage,
  type ScanQuery,
  shardOf,
} from '@motion-ts/core/store';
import { type Connection, rowsOf, type Statement } from './connection.js';
import type { Alarm } from './heads.js';
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
  readonly #alarms: Statement;
  readonly #names: Statement;

  constructor(connection: Connection) {
    this.#list = rowsOf(
      connection,
      `SELECT k, rev, ${valueColumn('entry')} FROM entry WHERE p = ? AND k >= ? AND k < ? AND k > ? ORDER BY k LIMIT ?`,
    );
    this.#alarms = rowsOf(
      connection,
      `SELECT a.at, a.p, h.due FROM alarm a LEFT JOIN entry h ON h.p = a.p AND h.k = ''
       WHERE a.at <= ? AND (a.at, a.p) > (?, ?) ORDER BY a.at, a.p LIMIT ?`,
    );
    // From one partition to the next, without walking through the entries of each.
    this.#names = rowsOf(
      connection,
      `WITH RECURSIVE name(p) AS (
         SELECT min(p) FROM entry WHERE p > ? AND p >= ? AND p < ?
         UNION ALL
         SELECT (SELECT min(p) FROM entry WHERE p > name.p AND p < ?) FROM name WHERE name.p IS NOT NULL
       )
       SELECT p, EXISTS (SELECT 1 FROM entry h WHERE h.p = name.p AND h.k = '') FROM name WHERE p IS NOT NULL LIMIT ?`,
    );
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

  /** @param early called with the alarms that came before their due, if any */
  scan(query: ScanQuery, cursor: string | undefined, early: (alarms: readonly Alarm[]) => void): ScanPage {
    return 'due' in query ? this.#scanDue(query.shard, cursor, early) : this.#scanPrefix(query.prefix, cursor);
  }

  // The cursor is `<at> <name>` of the last alarm looked at: names hold no space.
  #scanDue(
    shard: readonly [index: number, of: number] | undefined,
    cursor: string | undefined,
    early: (alarms: readonly Alarm[]) => void,
  ): ScanPage {
    const now = Date.now();
    const [afterAt, afterName] = cursor === undefined ? [Number.MIN_SAFE_INTEGER, ''] : parseDueCursor(cursor);
    const rows = this.#alarms.all(now, afterAt, afterName, PAGE) as [number, string, number | null][];
    const found: [due: number, name: string][] = [];
    const tooEarly: Alarm[] = [];
    for (const [at, partition, due] of rows) {
      if (due === null || due > now) tooEarly.push({ at, partition });
      else if (shard === undefined || shardOf(partition, shard[1]) === shard[0]) found.push([due, partition]);
    }
    if (tooEarly.length > 0) early(tooEarly);
    found.sort(([a], [b]) => a - b);
    const partitions = found.map(([, name]) => name);
    const last = rows[PAGE - 1];
    return last === undefined ? { partitions } : { partitions, cursor: dueCursor(last[0], last[1]) };
  }

  #scanPrefix(prefix: string, cursor: string | undefined): ScanPage {
    const end = prefix + BEHIND;
    const rows = this.#names.all(cursor ?? '', prefix, end, end, PAGE) as [string, number][];
    const partitions = rows.filter(([, hasHead]) => hasHead === 1).map(([name]) => name);
    const last = rows[PAGE - 1];
    return last === undefined ? { partitions } : { partitions, cursor: last[0] };
  }
}
