import { createTable, DynamoDBStore } from '@motion-ts/dynamodb';
import { PostgresStore } from '@motion-ts/postgres';
import { RedisStore } from '@motion-ts/redis';
import { startPostgres, startRedis } from '@motion-ts/test-harness/servers';
import { inject, onTestFinished, test } from 'vitest';
import { moveAlong, sqlite } from '../../core/test/copy/stores.js';
import { clientOf, fresh } from './local.js';

test('instances move from SQLite to DynamoDB, to Redis, to DynamoDB again, to Postgres, and back', async () => {
  const [redisServer, postgresServer] = await Promise.all([startRedis(), startPostgres()]);
  const client = clientOf(inject('serverUrl'));
  const tableName = fresh('copy');
  await createTable(client, { tableName });
  const dynamodb = (): DynamoDBStore => new DynamoDBStore({ client, tableName, namespace: fresh('n') });
  const redis = new RedisStore({ url: redisServer.url, onWarning: () => {} });
  const postgres = new PostgresStore({ url: postgresServer.url });
  const stores = [sqlite(), dynamodb(), redis, dynamodb(), postgres, dynamodb()];
  // What is begun last is ended first.
  onTestFinished(async () => {
    await Promise.all([redisServer.stop(), postgresServer.stop()]);
  });
  onTestFinished(async () => {
    await Promise.all(stores.slice(1).map((store) => store.close()));
    client.destroy();
  });
  await moveAlong(stores);
}, 120_000);
