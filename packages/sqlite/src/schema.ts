import { StoreError } from '@motion-ts/core/store';
import { type Connection, valuesOf } from './connection.js';

/** "Mots" in ASCII. It marks the file as ours, so that no other program's database is ever written to. */
export const APPLICATION_ID = 0x4d6f7473;
/** Raised with every change of the tables. */
export const SCHEMA_VERSION = 1;

/**
 * `entry` keeps its rows in the tree of its key itself (WITHOUT ROWID): one page to write per commit instead of two. But
 * to compare keys, SQLite reads the whole of a row that does not fit its page, so large values live in `large`; `v` is
 * then the id there, and the triggers delete what no entry points to any more.
 *
 * `head` has a row for each partition that ever had appends or a due. `cache` may hold large values, hence its rowid.
 */
const TABLES = `
  CREATE TABLE head (p TEXT PRIMARY KEY, seq INTEGER NOT NULL, due INTEGER) WITHOUT ROWID;
  CREATE INDEX head_due ON head (due) WHERE due IS NOT NULL;
  CREATE TABLE entry (p TEXT, k TEXT, rev TEXT NOT NULL, v NOT NULL, PRIMARY KEY (p, k)) WITHOUT ROWID;
  CREATE TABLE large (id INTEGER PRIMARY KEY, v BLOB NOT NULL);
  CREATE TRIGGER entry_replaced AFTER UPDATE ON entry WHEN typeof(old.v) = 'integer'
    BEGIN DELETE FROM large WHERE id = old.v; END;
  CREATE TRIGGER entry_deleted AFTER DELETE ON entry WHEN typeof(old.v) = 'integer'
    BEGIN DELETE FROM large WHERE id = old.v; END;
  CREATE TABLE cache (p TEXT NOT NULL, k TEXT NOT NULL, expires INTEGER NOT NULL, v BLOB NOT NULL, PRIMARY KEY (p, k));
  CREATE INDEX cache_expires ON cache (expires);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * Makes a connection ready: checks whose file it is before anything is written, then sets WAL mode and creates the
 * tables. May throw that it is busy at any step, and be run again as often as it takes.
 *
 * @param name the file, for messages
 * @throws StoreError `invalid` when the file belongs to another program or another version
 */
export function prepareFile(connection: Connection, name: string, synchronous: 'FULL' | 'NORMAL'): void {
  connection.exec('PRAGMA busy_timeout = 0');
  isOurs(connection, name);
  const mode = valuesOf(connection, 'PRAGMA journal_mode = WAL').get();
  // 'memory' is that of a database that has no file.
  if (mode !== 'wal' && mode !== 'memory')
    throw new StoreError('invalid', `${name} cannot be put in WAL mode (it stays ${mode}); put it on a local disk`);
  connection.exec(`PRAGMA synchronous = ${synchronous}`);
  if (isOurs(connection, name)) return;
  connection.exec('BEGIN IMMEDIATE');
  try {
    // Asked again under the lock: another process may have been faster.
    if (!isOurs(connection, name)) connection.exec(TABLES);
    connection.exec('COMMIT');
  } finally {
    if (connection.inTransaction) connection.exec('ROLLBACK');
  }
}

/** Whether the tables are there; false for an empty database. */
function isOurs(connection: Connection, name: string): boolean {
  const [application, version, objects] = [
    'PRAGMA application_id',
    'PRAGMA user_version',
    'SELECT count(*) FROM sqlite_schema',
  ].map((sql) => valuesOf(connection, sql).get());
  if (application === 0 && version === 0 && objects === 0) return false;
  if (application !== APPLICATION_ID)
    throw new StoreError('invalid', `${name} is a database of another program; give the store a file of its own`);
  if (version !== SCHEMA_VERSION)
    throw new StoreError(
      'invalid',
      `${name} has schema version ${version} and this package writes ${SCHEMA_VERSION}; use the version of @motion-ts/sqlite that made it`,
    );
  return true;
}
