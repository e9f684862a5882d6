import { RedisStore } from '@motion-ts/redis';
import { conformance, openInProcess } from '@motion-ts/test-harness';
import { Redis } from 'ioredis';
import { afterAll, describe, inject, test } from 'vitest';

const url = inject('serverUrl');
const onWarning = (): void => {};

conformance({
  describe,
  test,
  name: 'RedisStore, two connections to a server',
  open: async (namespace) => new RedisStore({ url, namespace, onWarning }),
});

const client = new Redis(url, { autoResendUnfulfilledCommands: false, lazyConnect: true });
afterAll(() => client.disconnect());
conformance({
  describe,
  test,
  name: "RedisStore, two stores on the caller's client",
  open: async (namespace) => new RedisStore({ client, namespace, onWarning }),
});

let opened = 0;
conformance({
  describe,
  test,
  name: 'RedisStore, two processes',
  // The first client of a case is here, the second in a process of its own.
  open: async (namespace) => {
    if (opened++ % 2 === 0) return new RedisStore({ url, namespace, onWarning });
    return openInProcess({ module: new URL('./open.mjs', import.meta.url), argument: { url, namespace } });
  },
});
