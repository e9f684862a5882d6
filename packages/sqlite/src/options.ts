import { assertOptions, type OptionNames, StoreError } from '@motion-ts/core/store';
import type { Connection } from './connection.js';

/** Options of {@link SqliteStore}. Give exactly one of `path` and `database`. */
export interface SqliteStoreOptions {
  /** The file, made at the first call if it is not there; its directory must be. `:memory:` is a database of its own. */
  readonly path?: string;
  /**
   * A connection of better-sqlite3 that the caller opened and will close. The store sets `journal_mode = WAL`,
   * `synchronous` and `busy_timeout = 0` on it, and waits while it has a transaction open.
   */
  readonly database?: Connection;
  /**
   * `FULL`, the default: a commit that resolved survives a power loss. `NORMAL`, many times faster: it survives the end
   * of the process however that comes, and a power loss takes back at most the latest commits.
   */
  readonly synchronous?: 'FULL' | 'NORMAL';
  /** How long a call waits for other processes' locks before it rejects with `unavailable`, in ms; 5000 by default. */
  readonly timeoutMs?: number;
}

/** Options after the check. */
export interface CheckedOptions {
  readonly path: string | undefined;
  readonly database: Connection | undefined;
  readonly synchronous: 'FULL' | 'NORMAL';
  readonly timeoutMs: number;
}

const NAMES: OptionNames<SqliteStoreOptions> = { path: true, database: true, synchronous: true, timeoutMs: true };

/** @throws StoreError `invalid` */
export function checkOptions(options: SqliteStoreOptions): CheckedOptions {
  assertOptions('SqliteStore', options, NAMES);
  const { path, database, synchronous = 'FULL', timeoutMs = 5000 } = options;
  if ((path === undefined) === (database === undefined))
    throw new StoreError('invalid', 'SqliteStore takes either a path or a database: give one of them');
  if (path !== undefined && (typeof path !== 'string' || path === ''))
    throw new StoreError('invalid', `SqliteStore: path ${JSON.stringify(path)} is no name of a file`);
  if (database !== undefined && typeof database?.prepare !== 'function')
    throw new StoreError('invalid', 'SqliteStore: database is no connection of better-sqlite3');
  if (synchronous !== 'FULL' && synchronous !== 'NORMAL')
    throw new StoreError(
      'invalid',
      `SqliteStore: synchronous ${JSON.stringify(synchronous)} is neither FULL nor NORMAL`,
    );
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0))
    throw new StoreError('invalid', `SqliteStore: timeoutMs ${timeoutMs} is no number of milliseconds`);
  return { path, database, synchronous, timeoutMs };
}
