import type { Key } from '@motion-ts/core/store';
import { type Connection, type Statement, valuesOf } from './connection.js';
import { bytesOf } from './snapshot.js';

/** How many writes pass between two sweeps of expired rows, and how many rows a sweep takes at most. */
const SWEEP_EVERY = 500;
const SWEEP_ROWS = 1000;

/** The table of cached values. Its writes run inside a write transaction. */
export class ResultCache {
  readonly #get: Statement;
  readonly #set: Statement;
  readonly #clear: Statement;
  readonly #sweep: Statement;
  #writes = 0;

  constructor(connection: Connection) {
    this.#get = valuesOf(connection, 'SELECT v FROM cache WHERE p = ? AND k = ? AND expires > ?');
    this.#set = connection.prepare(
      'INSERT INTO cache (p, k, expires, v) VALUES (?, ?, ?, ?) ON CONFLICT (p, k) DO UPDATE SET expires = excluded.expires, v = excluded.v',
    );
    this.#clear = connection.prepare('DELETE FROM cache WHERE p = ?');
    this.#sweep = connection.prepare(
      'DELETE FROM cache WHERE rowid IN (SELECT rowid FROM cache WHERE expires <= ? LIMIT ?)',
    );
  }

  get(partition: string, key: Key): Uint8Array | undefined {
    const value = this.#get.get(partition, key, Date.now());
    return value === undefined ? undefined : bytesOf(value);
  }

  set(partition: string, key: Key, value: Uint8Array, expires: number): void {
    this.#set.run(partition, key, expires, value);
    if (this.#writes++ % SWEEP_EVERY === 0) this.#sweep.run(Date.now(), SWEEP_ROWS);
  }

  clear(partition: string): void {
    this.#clear.run(partition);
  }
}
