import { createTable, DynamoDBStore } from '@motion-ts/dynamodb';
import { conformance } from '@motion-ts/test-harness';
import { afterAll, beforeAll, describe, inject, test, vi } from 'vitest';
import { clientOf, fresh, SUPPORTS } from './local.js';

// The entry of one key lives in the item of the head. The suite knows nothing of that key, but uses this one in most cases.
vi.mock('../src/table.ts', async (original) => ({ ...(await original<object>()), HEAD_KEY: 'a' }));

const tableName = fresh('head-key');
const client = clientOf(inject('serverUrl'));

beforeAll(() => createTable(client, { tableName }));
afterAll(() => client.destroy());

conformance({
  describe,
  test,
  name: 'DynamoDBStore, where the entry that lives with the head is the one that is tested most',
  open: async (namespace) => new DynamoDBStore({ client, tableName, namespace }),
  supports: SUPPORTS,
});
