import { StoreError } from '@motion-ts/core/store';
import { type Connection, rowsOf, valuesOf } from './connection.js';

/** "Mots" in ASCII. It marks the file as ours, so that no other program's database is ever written to. */
export const APPLICATION_ID = 0x4d6f7473;
/** Raised with every change of the tables. */
export const SCHEMA_VERSION = 1;

/**
 * What costs in SQLite is the number of pages that a commit changes. So all of a partition lies side by side in one tree,
 * its head included, and a small commit changes one page:
 *
 * - `entry`: a row for each entry. The row of the empty key is the partition's head, with `seq`, `due` and `alarm`; it is
 *   there if the partition ever had appends or a due.
 * - `large`: the large values; `v` is then the id there. To compare keys, SQLite reads the whole of a row that does not
 *   fit its page, so the rows must stay small.
 * - `alarm`: in which partitions to look for a due, and when: at the due or before. A partition has at most one, which
 *   its head names, and always one while it is due. One that came too early is removed by the scan that finds it,
 *   not by the commit that clears the due.
 * - `cache`: may hold large values, hence its rowid.
 */
const TABLES = `
  CREATE TABLE entry (
    p TEXT, k TEXT, rev TEXT, v, seq INTEGER, due INTEGER, alarm INTEGER, PRIMARY KEY (p, k)
  ) WITHOUT ROWID;
  CREATE TABLE large (id INTEGER PRIMARY KEY, v BLOB NOT NULL);
  CREATE TABLE alarm (at INTEGER, p TEXT, PRIMARY KEY (at, p)) WITHOUT ROWID;
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

const WHOSE = `
  SELECT
    (SELECT application_id FROM pragma_application_id),
    (SELECT user_version FROM pragma_user_version),
    (SELECT count(*) FROM sqlite_schema)
`;

/** Whether the tables are there; false for an empty database. */
function isOurs(connection: Connection, name: string): boolean {
  // In one statement, so of one moment: another process may be creating the tables.
  const [application, version, objects] = rowsOf(connection, WHOSE).get() as readonly number[];
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
