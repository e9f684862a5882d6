import { createTable, DynamoDBStore } from '@motion-ts/dynamodb';
import { conformance, openInProcess } from '@motion-ts/test-harness';
import { afterAll, beforeAll, describe, inject, test } from 'vitest';
import { clientOf, fresh, local, SUPPORTS } from './local.js';

const url = inject('serverUrl');
const tableName = fresh('processes');
const client = clientOf(url);

beforeAll(() => createTable(client, { tableName }));
afterAll(() => client.destroy());

let opened = 0;
conformance({
  describe,
  test,
  name: 'DynamoDBStore, here and in another process',
  // The first client of a case is here, the second in a process of its own.
  open: async (namespace) => {
    if (opened++ % 2 === 0) return new DynamoDBStore({ config: local(url), tableName, namespace });
    return openInProcess({ module: new URL('./open.mjs', import.meta.url), argument: { url, tableName, namespace } });
  },
  supports: SUPPORTS,
});
