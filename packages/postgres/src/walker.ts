import { dueCursor, type Entry, type Key, parseDueCursor, type ScanPage, type ScanQuery } from '@motion-ts/core/store';
import { decoded } from './binary.js';
import type { Connections } from './connections.js';
import type { Statements } from './statements.js';

/** Rows of a page of a scan, and at most of a list. */
const PAGE = 1000;
/** A page of a list is cut where its values reach this. */
const PAGE_BYTES = 8 * 2 ** 20;
/** Behind every name: names end at \x7e. */
const BEHIND = '\x7f';

/** Walks through many rows a page at a time: `list` and `scan`. */
export class Walker {
  readonly #connections: Connections;
  readonly #statements: Statements;

  constructor(connections: Connections, statements: Statements) {
    this.#connections = connections;
    this.#statements = statements;
  }

  async list(
    partition: string,
    prefix: string,
    after: Key | undefined,
    limit: number,
    deadline: number,
  ): Promise<Entry[]> {
    const values = [partition, prefix, prefix + BEHIND, after ?? '', Math.min(PAGE, Math.floor(limit)), PAGE_BYTES];
    const rows = await this.#connections.run(this.#statements.list, values, deadline);
    return rows.map(([key, rev, value]) => ({
      key: key as string,
      rev: rev as string,
      value: decoded(value as string),
    }));
  }

  scan(query: ScanQuery, cursor: string | undefined, deadline: number): Promise<ScanPage> {
    return 'due' in query
      ? this.#scanDue(query.shard ?? [0, 1], cursor, deadline)
      : this.#scanPrefix(query.prefix, cursor, deadline);
  }

  async #scanDue(
    [index, of]: readonly [number, number],
    cursor: string | undefined,
    deadline: number,
  ): Promise<ScanPage> {
    const [afterDue, afterName] = cursor === undefined ? [-(2 ** 53), ''] : parseDueCursor(cursor);
    const values = [Math.trunc(afterDue), afterName, index, of, PAGE];
    const rows = await this.#connections.run(this.#statements.due, values, deadline);
    const partitions = rows.map(([name]) => name as string);
    const last = rows[PAGE - 1];
    return last === undefined ? { partitions } : { partitions, cursor: dueCursor(Number(last[1]), last[0] as string) };
  }

  async #scanPrefix(prefix: string, cursor: string | undefined, deadline: number): Promise<ScanPage> {
    const values = [prefix, prefix + BEHIND, cursor ?? '', PAGE];
    const rows = await this.#connections.run(this.#statements.names, values, deadline);
    const partitions = rows.map(([name]) => name as string);
    const cut = partitions[PAGE - 1];
    return cut === undefined ? { partitions } : { partitions, cursor: cut };
  }
}
