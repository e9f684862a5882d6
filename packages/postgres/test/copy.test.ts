import { PostgresStore } from '@motion-ts/postgres';
import { RedisStore } from '@motion-ts/redis';
import { startRedis } from '@motion-ts/test-harness/servers';
import { inject, onTestFinished, test } from 'vitest';
import { moveAlong, sqlite } from '../../core/test/copy/stores.js';
import { fresh } from './stores.js';

test('instances move from SQLite to Postgres, to Redis, and back to Postgres', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const redis = new RedisStore({ url: server.url, onWarning: () => {} });
  const url = inject('serverUrl');
  const [one, two] = [
    new PostgresStore({ url, namespace: fresh('n') }),
    new PostgresStore({ url, namespace: fresh('n') }),
  ];
  for (const store of [redis, one, two]) onTestFinished(() => store.close());
  await moveAlong([sqlite(), one, redis, two]);
});
