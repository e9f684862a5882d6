import { createTable } from '@motion-ts/dynamodb';
import { attacks } from '@motion-ts/test-harness';
import { startDynamoDB } from '@motion-ts/test-harness/servers';
import { afterAll, describe, test } from 'vitest';
import { clientOf } from './local.js';

const nightly = process.env['MOTION_NIGHTLY'] === '1';
const tableName = 'attacked';

// In memory, and so not killed: DynamoDB Local on a disk loses transactions by a SIGKILL that it had acknowledged.
const server = await startDynamoDB();
afterAll(() => server.stop());
const client = clientOf(server.url);
await createTable(client, { tableName });
client.destroy();

attacks({
  describe,
  test,
  name: 'DynamoDBStore',
  server,
  serverClock: false,
  store: (argument) => ({ module: new URL('./open.mjs', import.meta.url), argument: { ...argument, tableName } }),
  size: nightly ? 'large' : 'small',
  // DynamoDB Local does some hundred commits a second, and fewer on a busy machine.
  ttlMs: 1_500,
  sizes: nightly
    ? { kills: 200, updates: 3_000, backlog: 10_000, instances: 1_000 }
    : { kills: 10, updates: 150, cuts: 30 },
});
