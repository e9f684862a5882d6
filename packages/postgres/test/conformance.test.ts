import { PostgresStore } from '@motion-ts/postgres';
import { conformance, openInProcess } from '@motion-ts/test-harness';
import pg from 'pg';
import { afterAll, describe, inject, test } from 'vitest';

const url = inject('serverUrl');
// The cases at the limits write tens of megabytes, perhaps on a busy machine.
const timeoutMs = 15_000;

conformance({
  describe,
  test,
  name: 'PostgresStore, two clients',
  open: async (namespace) => new PostgresStore({ url, namespace, timeoutMs }),
});

const pool = new pg.Pool({ connectionString: url, max: 8 });
afterAll(() => pool.end());
conformance({
  describe,
  test,
  name: "PostgresStore, two stores on the caller's pool",
  open: async (namespace) => new PostgresStore({ pool, namespace, preparedStatements: false, timeoutMs }),
});

let opened = 0;
conformance({
  describe,
  test,
  name: 'PostgresStore, two processes',
  // The first client of a case is here, the second in a process of its own.
  open: async (namespace) => {
    const options = { url, namespace, timeoutMs };
    if (opened++ % 2 === 0) return new PostgresStore(options);
    return openInProcess({ module: new URL('./open.mjs', import.meta.url), argument: options });
  },
});
