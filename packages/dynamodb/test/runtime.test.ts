import { createTable, DynamoDBStore } from '@motion-ts/dynamodb';
import { runtimeSuite } from '@motion-ts/test-harness';
import { afterAll, beforeAll, describe, inject, test } from 'vitest';
import { clientOf, fresh, local, SUPPORTS } from './local.js';

const url = inject('serverUrl');
const tableName = fresh('runtime');
const admin = clientOf(url);
beforeAll(() => createTable(admin, { tableName }));
afterAll(() => admin.destroy());

runtimeSuite({
  describe,
  test: (name, body) => test.concurrent(name, body, 150_000),
  name: 'DynamoDBStore',
  open: async (namespace) => new DynamoDBStore({ config: local(url), tableName, namespace, timeoutMs: 30_000 }),
  supports: SUPPORTS,
  timeoutMs: 120_000,
});
