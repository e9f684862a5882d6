import { RedisStore } from '@motion-ts/redis';
import { conformance, openInProcess, TcpProxy } from '@motion-ts/test-harness';
import { startRedis } from '@motion-ts/test-harness/servers';
import { Redis } from 'ioredis';
import { afterAll, describe, inject, test } from 'vitest';

/** All 300 random runs, however slow the machine. */
const nightly = process.env['MOTION_NIGHTLY'] === '1';
const url = inject('serverUrl');
const onWarning = (): void => {};

// This one is cut off and crashes, so it is a server of its own, which has on its disk what it acknowledged.
const server = await startRedis({ appendonly: true });
const proxy = await TcpProxy.start({ port: server.port });
afterAll(async () => {
  await proxy.close();
  await server.stop();
});
/** Long enough for a busy machine, short enough to wait for with the server away. */
const timeoutMs = 1_500;

conformance({
  describe,
  test,
  name: 'RedisStore, two connections to a server with an append-only file',
  modelBudgetMs: nightly ? 600_000 : 120_000,
  open: async (namespace) => new RedisStore({ url: proxy.url(server.url), namespace, timeoutMs, onWarning }),
  process: {
    module: new URL('./open.mjs', import.meta.url),
    argument: (namespace) => ({ url: server.url, namespace }),
  },
  faults: {
    ...proxy.faults(timeoutMs),
    crash: async () => {
      await server.process.kill();
      await server.process.restart();
    },
  },
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
