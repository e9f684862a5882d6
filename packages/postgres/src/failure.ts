import { StoreError, type StoreErrorCode } from '@motion-ts/core/store';

/** Why a statement failed, and whether the server may have got it. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly sent: boolean;

  constructor(cause: unknown, sent: boolean) {
    super(messageOf(cause), { cause });
    this.sent = sent;
  }
}

/** The SQLSTATE of an error that the server sent; errors of Node have codes of their own. */
export function sqlState(error: unknown): string | undefined {
  const cause = error instanceof Failure ? error.cause : error;
  if (typeof cause !== 'object' || cause === null || !('severity' in cause) || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' ? cause.code : undefined;
}

/** Errors of these classes may be fatal to a connection at any moment, even after a commit was written. */
const FATAL = /^(08|57P|58|F0|XX|40003)/;

/** Whether a connection can serve no longer. */
export function breaksConnection(error: unknown): boolean {
  const state = sqlState(error);
  return state === undefined || FATAL.test(state);
}

/** Whether the server says that it did nothing of what was sent. */
export function isCertain(error: unknown): boolean {
  return error instanceof Failure && (!error.sent || !breaksConnection(error));
}

/** Whether a table, function or schema is not there. */
export function isMissing(error: unknown): boolean {
  return /^(42P01|3F000|42883|42703)$/.test(sqlState(error) ?? '');
}

const CODES: readonly (readonly [RegExp, StoreErrorCode, string])[] = [
  [/^57014/, 'unavailable', 'the server gave it up at its statement_timeout'],
  [/^55P03/, 'unavailable', "others hold the partition's lock for too long; try again"],
  [/^40/, 'unavailable', 'the server rolled it back for the sake of others; try again'],
  [/^53100/, 'full', "the server's disk is full; free space there"],
  [/^53300/, 'unavailable', 'the server has no connection left; raise max_connections, or lower `connections`'],
  [/^53/, 'unavailable', 'the server is short of resources'],
  [/^54/, 'too_large', 'it is beyond what the server takes'],
  [/^25006/, 'unavailable', 'the server is read-only, a standby perhaps; connect to the primary'],
  [/^28/, 'invalid', 'the server refuses this user or password; check both, and pg_hba.conf'],
  [/^3D000/, 'invalid', 'the database is not there; create it'],
  [/^42501/, 'invalid', 'this role lacks a right; grant what the README lists under "Permissions"'],
  [/^(42P07|42710|42723)/, 'invalid', 'the schema holds objects of another program; choose another `namespace`'],
  [/^(26000|42P05)/, 'invalid', 'prepared statements are lost between calls; set `preparedStatements: false`'],
  [/^MT/, 'invalid', ''],
  [/^08P01/, 'invalid', 'a pooler refuses our connection parameters, it seems; give a `pool` of your own'],
  [/^XX00[12]/, 'corrupt', 'the data are damaged; restore them from a backup'],
  [/^(22|23|42|3F)/, 'invalid', 'the tables are not those of this store'],
];

/**
 * The StoreError for whatever a call failed of.
 *
 * @param what the call, with its partition and key
 * @param where the server
 * @param writes whether a statement whose answer is missing may have changed something
 */
export function storeError(error: unknown, what: string, where: string, writes: boolean): StoreError {
  if (StoreError.is(error)) return error;
  const cause = error instanceof Failure ? error.cause : error;
  if (writes && !isCertain(error))
    return new StoreError(
      'unknown',
      `${what}: the answer of ${where} is missing, so it may or may not be applied (${messageOf(cause)})`,
      { cause },
    );
  const state = sqlState(cause);
  if (state === undefined) {
    // What pg finds out by itself about passwords and TLS carries no code.
    const setUp = error instanceof Failure && !error.sent && /password|SASL|SSL|after calling end/i.test(error.message);
    const why = setUp ? 'cannot connect to' : 'no answer from';
    return new StoreError(setUp ? 'invalid' : 'unavailable', `${what}: ${why} ${where} (${messageOf(cause)})`, {
      cause,
    });
  }
  const known = CODES.find(([pattern]) => pattern.test(state));
  const advice = known?.[2] ? `: ${known[2]}` : '';
  const message = `${what}: ${messageOf(cause)}${advice} (${where}, SQLSTATE ${state})`;
  return new StoreError(known?.[1] ?? 'unavailable', message, { cause });
}

function messageOf(error: unknown): string {
  // Node joins what it tried for each address of a host into an error without a message.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
