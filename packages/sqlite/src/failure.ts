import { StoreError, type StoreErrorCode } from '@motion-ts/core/store';
import type { Connection } from './connection.js';

/** The result code of SQLite that an error of better-sqlite3 carries, for instance `SQLITE_BUSY_RECOVERY`. */
function resultCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/**
 * Whether another connection stands in the way for now: nothing was done, and trying again helps. PROTOCOL is a lost
 * race for a lock; better-sqlite3 throws a TypeError while the owner of a connection iterates over a result.
 */
export function isBusy(error: unknown): boolean {
  return (
    /^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(resultCode(error)) ||
    (error instanceof TypeError && error.message.includes('busy executing a query'))
  );
}

/**
 * The owner of a connection may leave a transaction open across turns. To join it would mean to read its old snapshot,
 * or to be rolled back with it.
 *
 * @throws an error that {@link isBusy}
 */
export function assertNoTransaction(connection: Connection): void {
  if (connection.inTransaction)
    throw Object.assign(new Error('the owner of the connection has a transaction open'), { code: 'SQLITE_BUSY' });
}

const CODES: readonly (readonly [RegExp, StoreErrorCode, string])[] = [
  [/^SQLITE_(BUSY|LOCKED|PROTOCOL)/, 'unavailable', 'another connection holds the lock; try again'],
  [/^SQLITE_FULL/, 'full', 'there is no room; free disk space, or raise max_page_count'],
  [/^SQLITE_TOOBIG/, 'too_large', 'a value is beyond what this SQLite takes'],
  [
    /^SQLITE_(CORRUPT|NOTADB|FORMAT|IOERR_CORRUPTFS)/,
    'corrupt',
    'the file is damaged or no database; restore it from a backup',
  ],
  [
    /^SQLITE_READONLY/,
    'invalid',
    'the file or its directory cannot be written; give this user the right to write both',
  ],
  [
    /^SQLITE_(CANTOPEN|PERM|AUTH)/,
    'invalid',
    'the file cannot be opened; check that its directory exists and may be written',
  ],
  [/^SQLITE_(ERROR|MISMATCH|SCHEMA|CONSTRAINT)/, 'invalid', 'the tables are not those of this store'],
];

/**
 * The StoreError for an error of which it is certain that nothing was applied.
 *
 * @param what the call, with its partition and key
 */
export function storeError(error: unknown, what: string): StoreError {
  if (StoreError.is(error)) return error;
  const code = resultCode(error);
  const known = CODES.find(([pattern]) => pattern.test(code));
  if (known !== undefined) return new StoreError(known[1], `${what}: ${known[2]} (${code})`, { cause: error });
  if (error instanceof TypeError && /not open/.test(error.message))
    return new StoreError('invalid', `${what}: the database connection was closed by its owner`, { cause: error });
  if (isBusy(error))
    return new StoreError('unavailable', `${what}: the database connection is in use; try again`, { cause: error });
  // IOERR, NOMEM, INTERRUPT and the like come and go.
  return new StoreError('unavailable', `${what}: ${messageOf(error)} (${code || 'no code'})`, { cause: error });
}

/**
 * The StoreError for an error that COMMIT itself threw.
 *
 * Only a full disk is certain: it hits before or at the frame that marks the commit in the write-ahead log, which is
 * then incomplete and never counts. Anything else may have hit behind that frame (a failed fsync, say). Then this
 * connection rolls back, but should the machine stop before the frame is overwritten, recovery would find it valid.
 */
export function commitError(error: unknown, what: string): StoreError {
  if (/^SQLITE_FULL/.test(resultCode(error))) return storeError(error, what);
  return new StoreError('unknown', `${what}: COMMIT failed, so it may or may not be applied (${messageOf(error)})`, {
    cause: error,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
