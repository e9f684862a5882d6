import { PostgresStore } from '@motion-ts/postgres';
import { runtimeSuite } from '@motion-ts/test-harness';
import { describe, inject, test } from 'vitest';

const url = inject('serverUrl');

runtimeSuite({
  describe,
  test: (name, body) => test.concurrent(name, body, 90_000),
  name: 'PostgresStore',
  open: async (namespace) => new PostgresStore({ url, namespace, timeoutMs: 15_000, connections: 3 }),
});
