import { RedisStore } from '@motion-ts/redis';
import { runtimeSuite } from '@motion-ts/test-harness';
import { type RedisCluster, startRedisCluster } from '@motion-ts/test-harness/servers';
import { afterAll, beforeAll, describe, test } from 'vitest';

let servers: RedisCluster;
beforeAll(async () => {
  servers = await startRedisCluster();
}, 60_000);
afterAll(() => servers?.stop());

runtimeSuite({
  describe,
  test: (name, body) => test.concurrent(name, body, 90_000),
  name: 'RedisStore, a cluster of three servers',
  open: async (namespace) =>
    new RedisStore({ cluster: { nodes: servers.nodes }, namespace, onWarning: () => {}, timeoutMs: 15_000 }),
});
