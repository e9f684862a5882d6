import { PostgresStore } from '@motion-ts/postgres';
import { conformance, openInProcess } from '@motion-ts/test-harness';
import { type PostgresServer, startPostgres } from '@motion-ts/test-harness/servers';
import pg from 'pg';
import { afterAll, beforeAll, describe, inject, test } from 'vitest';

/** All 300 random runs, however slow the machine. */
const nightly = process.env['MOTION_NIGHTLY'] === '1';
const url = inject('serverUrl');
// The cases at the limits write tens of megabytes, perhaps on a busy machine.
const timeoutMs = 15_000;

// This one is killed and stopped, so it has a server of its own.
let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
}, 60_000);
afterAll(() => server.stop());

conformance({
  describe,
  test,
  name: 'PostgresStore, two clients',
  modelBudgetMs: nightly ? 600_000 : 120_000,
  open: async (namespace) => new PostgresStore({ url: server.url, namespace, timeoutMs: 4000 }),
  process: {
    module: new URL('./open.mjs', import.meta.url),
    argument: (namespace) => ({ url: server.url, namespace, timeoutMs: 4000 }),
  },
  faults: {
    timeoutMs: 4000,
    cut: () => server.process.kill(),
    hang: async () => server.process.pause(),
    restore: async () => {
      server.process.resume();
      if (!server.process.running) await server.process.restart();
    },
  },
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
