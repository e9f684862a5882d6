import { RedisStore } from '@motion-ts/redis';
import { runtimeSuite } from '@motion-ts/test-harness';
import { describe, inject, test } from 'vitest';

const url = inject('serverUrl');

runtimeSuite({
  describe,
  test: (name, body) => test.concurrent(name, body, 90_000),
  name: 'RedisStore',
  open: async (namespace) => new RedisStore({ url, namespace, onWarning: () => {}, timeoutMs: 15_000 }),
});
