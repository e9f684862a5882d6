import { StoreError } from '@motion-ts/core/store';
import pg from 'pg';
import { PLANNER } from './commit-function.js';
import { breaksConnection, Failure } from './failure.js';
import type { CheckedOptions } from './options.js';
import type { PgClient, PgPool } from './pg-shape.js';

/** A statement, and the name under which a connection keeps it prepared. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export type Row = readonly (string | null)[];

/** Every value as the text that the server sent, whatever parsers the caller has set. */
const TEXTS = { getTypeParser: () => (value: string) => value };

/** Settings of our own connections. A commit reads what others committed while it waited for its lock. */
const SETTINGS = [['default_transaction_isolation', 'read\\ committed'], ...PLANNER];

/** How long a hung server may hold up the end of our own pool. */
const FAREWELL_MS = 300;

/** The connections to the server: the store's own pool, or the caller's. Each statement is a transaction of its own. */
export class Connections {
  /** How many there may be. */
  readonly size: number;
  /** The server, for messages. */
  readonly where: string;
  readonly #pool: PgPool;
  readonly #own: pg.Pool | undefined;
  readonly #prepared: boolean;
  /** Of our own pool. */
  readonly #clients: Set<pg.PoolClient> = new Set();

  /** @throws StoreError `invalid` for a URL or options that pg cannot read */
  constructor(options: CheckedOptions) {
    this.where = whereIs(options);
    this.size = options.connections;
    this.#prepared = options.preparedStatements;
    this.#own = options.pool === undefined ? this.#makePool(options) : undefined;
    this.#pool = options.pool ?? (this.#own as unknown as PgPool);
    // Without a listener, the end of an idle connection would be the end of the process.
    this.#pool.on('error', ignore);
  }

  /**
   * Runs a statement and gives its rows, with every column as text.
   *
   * @param deadline on the clock of `performance.now()`; at it, the connection is destroyed
   * @throws Failure
   */
  run(statement: Statement, values: readonly unknown[], deadline: number): Promise<Row[]> {
    const { text } = statement;
    const query = { text, values, rowMode: 'array', types: TEXTS } as const;
    const named = this.#prepared && values.length > 0 ? { ...query, name: statement.name } : query;
    return this.#use(deadline, (client, done) => {
      client.query(named, (error, result) => done(error ?? undefined, result?.rows as Row[] | undefined));
    });
  }

  /** Takes a connection out of the pool for good: the caller ends it by `release`. */
  take(deadline: number): Promise<{ readonly client: PgClient; release(): void }> {
    return new Promise((resolve, reject) => {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        reject(new Failure(new Error('no connection in time'), false));
      }, left(deadline));
      this.#pool.connect((error, client, release) => {
        clearTimeout(timer);
        // By what the caller was told, not by the clock: that is past the deadline a little before the timer fires.
        if (late) release?.();
        else if (error || client === undefined) reject(new Failure(error, false));
        else resolve({ client, release: () => release(true) });
      });
    });
  }

  /** Ends our own pool. To be called when nothing is under way. */
  async end(): Promise<void> {
    this.#pool.removeListener('error', ignore);
    if (this.#own === undefined) return;
    this.#own.on('error', ignore);
    let ended = false;
    void this.#own.end().finally(() => {
      ended = true;
    });
    // A server that hangs does not say goodbye.
    const deadline = performance.now() + FAREWELL_MS;
    while ((!ended || this.#clients.size > 0) && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 5));
    for (const client of this.#clients)
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }

  #use<T>(
    deadline: number,
    work: (client: PgClient, done: (error: Error | undefined, result?: T) => void) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      let over = false;
      let taken: { readonly client: PgClient; readonly release: (broken?: boolean) => void } | undefined;
      const done = (error: Error | undefined, result?: T): void => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        taken?.client.removeListener('error', done);
        taken?.release(error !== undefined && breaksConnection(error));
        if (error === undefined) resolve(result as T);
        else reject(new Failure(error, taken !== undefined));
      };
      const timer = setTimeout(() => done(new Error('timed out')), left(deadline));
      this.#pool.connect((error, client, release) => {
        if (over) release?.();
        else if (error || client === undefined) done(error ?? new Error('the pool gave no connection'));
        else {
          taken = { client, release };
          client.on('error', done);
          work(client, done);
        }
      });
    });
  }

  #makePool({ connection, connections, timeoutMs }: CheckedOptions): pg.Pool {
    const pool = new pg.Pool({
      fallback_application_name: 'motion-ts',
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      // A store that was forgotten is no reason for a process to live.
      allowExitOnIdle: true,
      idleTimeoutMillis: 60_000,
      // What we gave up on must not go on for ever on the server, nor wait for a lock until it is too late for an answer.
      statement_timeout: Math.ceil(timeoutMs * 0.8),
      lock_timeout: Math.ceil(timeoutMs * 0.5),
      options: SETTINGS.map(([name, value]) => `-c ${name}=${value}`).join(' '),
      ...(connection as pg.PoolConfig),
      // One more for whoever watches.
      max: connections + 1,
      connectionTimeoutMillis: timeoutMs,
    });
    pool.on('connect', (client) => this.#clients.add(client));
    pool.on('remove', (client) => this.#clients.delete(client));
    return pool;
  }
}

function left(deadline: number): number {
  return Math.max(0, deadline - performance.now());
}

function ignore(): void {}

/**
 * The server, never the password.
 *
 * @throws StoreError `invalid` for a URL or options that pg cannot read
 */
function whereIs({ connection, pool }: CheckedOptions): string {
  if (pool !== undefined) return 'the server of the given pool';
  try {
    // Only reads the options, the URL, the environment and the files that they name.
    const { host, port, database } = new pg.Client(connection as pg.ClientConfig);
    return `postgres at ${host}:${port}, database ${database}`;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StoreError('invalid', `PostgresStore: the connection cannot be read: ${why}`, { cause: error });
  }
}
