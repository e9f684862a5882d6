import { assertOptions, type OptionNames, StoreError } from '@motion-ts/core/store';
import type { PgPool } from './pg-shape.js';

/** How to connect, as `pg.Pool` takes it; these and whatever else it takes. */
export interface ConnectionOptions {
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  /** A function is asked for each new connection: for passwords that expire. */
  readonly password?: string | (() => string | Promise<string>);
  readonly database?: string;
  /** As of `tls.connect`. */
  readonly ssl?: boolean | object;
  readonly [option: string]: unknown;
}

/** Options of {@link PostgresStore}. Give exactly one of `url`, `connection` and `pool`. */
export interface PostgresStoreOptions {
  /** `postgres://user:password@host:5432/database`. */
  readonly url?: string;
  /** The same as options. */
  readonly connection?: ConnectionOptions;
  /**
   * A pool of pg that the caller made and will end. Its `max` must be at least 2. Set `statement_timeout` and
   * `lock_timeout` on it, below `timeoutMs`: what the store gave up on then ends on the server, too.
   */
  readonly pool?: PgPool;
  /** The PostgreSQL schema that holds the tables: 1 to 40 characters of `[A-Za-z0-9_-]`; `motion` by default. */
  readonly namespace?: string;
  /** Within how many milliseconds every call settles; 5000 by default. */
  readonly timeoutMs?: number;
  /** The most connections of the store's own pool; 10 by default, 2 at least. One more is kept while somebody watches. */
  readonly connections?: number;
  /** Whether the first call makes the schema if it is not there; true by default. See {@link schemaSql}. */
  readonly createSchema?: boolean;
  /**
   * Whether statements are prepared once for each connection; true by default. Set it to false behind a pooler that hands
   * out connections by the transaction and does not keep prepared statements (PgBouncer before 1.21).
   */
  readonly preparedStatements?: boolean;
}

/** Options after the check. */
export interface CheckedOptions {
  readonly connection: ConnectionOptions | undefined;
  readonly pool: PgPool | undefined;
  readonly namespace: string;
  readonly timeoutMs: number;
  readonly connections: number;
  readonly createSchema: boolean;
  readonly preparedStatements: boolean;
}

const NAMES: OptionNames<PostgresStoreOptions> = {
  url: true,
  connection: true,
  pool: true,
  namespace: true,
  timeoutMs: true,
  connections: true,
  createSchema: true,
  preparedStatements: true,
};

/** @throws StoreError `invalid` */
export function checkOptions(options: PostgresStoreOptions): CheckedOptions {
  assertOptions('PostgresStore', options, NAMES);
  const { url, connection, pool, timeoutMs = 5000, connections = 10 } = options;
  const { createSchema = true, preparedStatements = true } = options;
  if ([url, connection, pool].filter((given) => given !== undefined).length !== 1)
    throw invalid('takes a url, connection or pool: give exactly one of them');
  if (url !== undefined && !(typeof url === 'string' && /^postgres(ql)?:\/\//.test(url)))
    throw invalid('url must start with postgres://');
  if (connection !== undefined && (typeof connection !== 'object' || connection === null))
    throw invalid('connection must be an object such as { host, port, user, password, database }');
  if (pool !== undefined && typeof pool?.connect !== 'function') throw invalid('pool is no Pool of pg');
  const max = pool?.options?.max ?? connections;
  if (!Number.isSafeInteger(max) || max < 2)
    throw invalid(`${max} connections are too few or no whole number: give at least 2`);
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 1 && timeoutMs < 2 ** 31))
    throw invalid(`timeoutMs ${timeoutMs} is no number of milliseconds from 1`);
  for (const [name, value] of Object.entries({ createSchema, preparedStatements }))
    if (typeof value !== 'boolean') throw invalid(`${name} must be true or false`);
  return {
    connection: url === undefined ? connection : { connectionString: url },
    pool,
    namespace: checkNamespace(options.namespace ?? 'motion'),
    timeoutMs,
    connections: max,
    createSchema,
    preparedStatements,
  };
}

/** @throws StoreError `invalid` */
export function checkNamespace(namespace: string): string {
  if (typeof namespace !== 'string' || !/^[A-Za-z0-9_-]{1,40}$/.test(namespace) || /^pg_/i.test(namespace))
    throw invalid(
      `namespace ${JSON.stringify(namespace)} is not 1 to 40 characters of [A-Za-z0-9_-], or starts with pg_`,
    );
  return namespace;
}

function invalid(what: string): StoreError {
  return new StoreError('invalid', `PostgresStore: ${what}`);
}
