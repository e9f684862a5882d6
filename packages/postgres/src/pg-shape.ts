/** A query of pg, as far as this package uses it. */
export interface PgQuery {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
  readonly rowMode: 'array';
  readonly types: { getTypeParser(oid: number, format?: string): (value: string) => unknown };
}

/** A connection that a pool of pg gave out, as far as this package uses it. */
export interface PgClient {
  query(query: PgQuery, done: (error: Error | undefined, result: { rows: unknown[] }) => void): void;
  on(event: string, listener: (argument: never) => void): unknown;
  removeListener(event: string, listener: (argument: never) => void): unknown;
  unref?(): void;
}

/**
 * A pool of pg, as far as this package uses it; every `Pool` of pg is one. Described by its shape, so that the types of
 * pg need not be installed.
 */
export interface PgPool {
  readonly options: { readonly max?: number | undefined };
  connect(
    done: (error: Error | undefined, client: PgClient | undefined, release: (broken?: boolean | Error) => void) => void,
  ): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
}
