import { createTable, DynamoDBStore } from '@motion-ts/dynamodb';
import { conformance } from '@motion-ts/test-harness';
import { afterAll, beforeAll, describe, inject, test } from 'vitest';
import { clientOf, fresh, local, SUPPORTS } from './local.js';

const url = inject('serverUrl');
const tableName = fresh('conformance');
const client = clientOf(url);

beforeAll(() => createTable(client, { tableName }));
afterAll(() => client.destroy());

conformance({
  describe,
  test,
  name: 'DynamoDBStore, two clients',
  open: async (namespace) => new DynamoDBStore({ config: local(url), tableName, namespace }),
  supports: SUPPORTS,
});
