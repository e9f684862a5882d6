import { expect, test } from 'vitest';
import { Connections } from '../src/connections.js';
import { checkOptions } from '../src/options.js';
import type { PgClient, PgPool } from '../src/pg-shape.js';

/** A pool that gives its connection when the deadline has passed, in the very turn in which it is asked. */
function slowPool(ms: number): { readonly pool: PgPool; readonly client: PgClient } {
  const client: PgClient = { query: () => {}, on: () => {}, removeListener: () => {} };
  const pool: PgPool = {
    options: { max: 2 },
    on: () => {},
    removeListener: () => {},
    connect(done) {
      const until = performance.now() + ms;
      while (performance.now() < until);
      done(undefined, client, () => {});
    },
  };
  return { pool, client };
}

test('a connection that comes at its deadline is given, or refused, but the wait has an end', async () => {
  const { pool, client } = slowPool(20);
  const taken = await new Connections(checkOptions({ pool })).take(performance.now() + 10);
  expect(taken.client).toBe(client);
});
