import { randomBytes } from 'node:crypto';
import { StoreError } from '@motion-ts/core/store';
import { PostgresStore, type PostgresStoreOptions } from '@motion-ts/postgres';
import pg from 'pg';
import { afterEach, expect } from 'vitest';

const opened: { close(): Promise<void> }[] = [];

/** Opens a store that is closed after the test. */
export function open(options: PostgresStoreOptions): PostgresStore {
  const store = new PostgresStore(options);
  opened.push(store);
  return store;
}

/** A pool that is ended after the test. */
export function poolOf(url: string, options: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 4, ...options });
  opened.unshift({ close: () => pool.end() });
  return pool;
}

afterEach(async () => {
  // Last in, first out: a store is closed before the pool that it uses.
  for (const store of opened.splice(0).reverse()) await store.close();
});

let counter = 0;

/** A name that nobody else has: of a namespace, a partition, a commit, a role. */
export function fresh(what = 'x'): string {
  return `${what}-${randomBytes(5).toString('hex')}-${counter++}`;
}

/** Runs SQL as whoever the URL names. */
export async function sql(url: string, text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(text, values)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

/** The same server with another user, password or database. */
export function urlWith(url: string, parts: { username?: string; password?: string; pathname?: string }): string {
  return String(Object.assign(new URL(url), parts));
}

/** The StoreError that a call rejects with. */
export async function failureOf(call: Promise<unknown>): Promise<StoreError> {
  const error = await call.then(
    () => expect.fail('it resolved'),
    (reason: unknown) => reason,
  );
  if (!StoreError.is(error)) throw error;
  return error;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until a condition holds. */
export async function eventually(
  what: string,
  holds: () => Promise<boolean> | boolean,
  withinMs = 15_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) expect.fail(`${what}: not within ${withinMs} ms`);
    await pause(20);
  }
}
