/** A prepared statement, as far as this package uses it. */
export interface Statement {
  run(...parameters: unknown[]): { readonly changes: number };
  get(...parameters: unknown[]): unknown;
  all(...parameters: unknown[]): unknown[];
  iterate(...parameters: unknown[]): IterableIterator<unknown>;
  raw(on?: boolean): unknown;
  pluck(on?: boolean): unknown;
  safeIntegers(on?: boolean): unknown;
}

/**
 * A connection of better-sqlite3, as far as this package uses it; every `Database` of better-sqlite3 is one. Described
 * by its shape, so that the types of better-sqlite3 need not be installed.
 */
export interface Connection {
  readonly open: boolean;
  readonly inTransaction: boolean;
  prepare(sql: string): Statement;
  exec(sql: string): unknown;
  close(): unknown;
}

/** A statement whose rows are one value each. */
export function valuesOf(connection: Connection, sql: string): Statement {
  const statement = connection.prepare(sql);
  statement.pluck(true);
  // A caller's connection may have turned 64-bit integers on by default.
  statement.safeIntegers(false);
  return statement;
}

/** A statement whose rows are arrays. */
export function rowsOf(connection: Connection, sql: string): Statement {
  const statement = connection.prepare(sql);
  statement.raw(true);
  statement.safeIntegers(false);
  return statement;
}
