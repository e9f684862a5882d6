import { attacks, chaos, disconnections, disturbed, restarts, TcpProxy } from '@motion-ts/test-harness';
import { type RedisServer, startRedis, startRedisCluster } from '@motion-ts/test-harness/servers';
import { afterAll, describe, expect, test } from 'vitest';

const nightly = process.env['MOTION_NIGHTLY'] === '1';
const module = new URL('./open.mjs', import.meta.url);

const server = await startRedis({ appendonly: true });
afterAll(() => server.stop());

attacks({
  describe,
  test,
  name: 'RedisStore',
  server: { ...server, restartable: server.process },
  serverClock: true,
  store: (argument) => ({ module, argument }),
  size: nightly ? 'large' : 'small',
  ...(!nightly && { sizes: { kills: 60, updates: 1_000 } }),
});

describe('a Redis Cluster', () => {
  test('whose slots move from server to server under load loses and doubles nothing', {
    timeout: 600_000,
  }, async () => {
    const cluster = await startRedisCluster({ appendonly: true });
    try {
      const { servers, nodes } = cluster;
      let turn = 0;
      /** Moves one of the slots that hold something. */
      const disturb = async (): Promise<void> => {
        const from = servers[turn++ % servers.length] as RedisServer;
        const keys = (await from.ask('KEYS', '*')) as readonly string[];
        const key = keys[Math.floor(Math.random() * keys.length)];
        if (key === undefined) return;
        const to = servers[turn % servers.length] as RedisServer;
        await cluster.moveSlot(Number(await from.ask('CLUSTER', 'KEYSLOT', key)), to);
      };
      const { problems, figures, seed } = await disturbed({
        store: { module, argument: { cluster: { nodes }, namespace: 'resharded' } },
        what: 'slots moved',
        times: nightly ? 1_000 : 30,
        disturb,
        instances: 8,
        updates: nightly ? 50_000 : 300,
        timeoutMs: 500_000,
      });
      expect(problems, `seed ${seed}`).toEqual([]);
      expect(figures['slots moved']).toBeGreaterThan(0);
    } finally {
      await cluster.stop();
    }
  });
});

describe('what is broken is found', () => {
  const direct = { module, argument: { url: server.url, namespace: 'broken' } };
  const short = { updates: 50, timeoutMs: 60_000, quietMs: 3_000 };

  test.each([
    ['resends blindly', /: doubled|a commit was applied of which the store said that it never will be/],
    ['denies', /a commit was applied of which the store said that it never will be/],
    ['never settles', /has not settled after/],
  ])('by disconnections: %s', { timeout: 120_000 }, async (alteration, what) => {
    const proxy = await TcpProxy.start({ port: server.port });
    const store = { module, argument: { url: proxy.url(server.url), namespace: 'broken', timeoutMs: 1_000 } };
    const { problems, seed } = await disconnections({ ...short, store, direct, proxy, cuts: 200, alteration });
    await proxy.close();
    expect(problems.join('\n'), `seed ${seed}`).toMatch(what);
  });

  test('by restarts: a server that keeps nothing', { timeout: 120_000 }, async () => {
    const forgetful = await startRedis();
    try {
      const store = { module, argument: { url: forgetful.url } };
      const { problems, seed } = await restarts({ ...short, store, server: forgetful.process, restarts: 3 });
      expect(problems.length, `seed ${seed}`).toBeGreaterThan(0);
    } finally {
      await forgetful.stop();
    }
  });

  test('by aimed stops: a holder whose commits nobody checks', { timeout: 120_000 }, async () => {
    const { problems, seed } = await chaos({ ...short, store: direct, pauses: 6, alteration: 'root unchecked' });
    expect(problems.join('\n'), `seed ${seed}`).toMatch(/stale holder|two holders replaced one root/);
  });
});
