import { readFileSync } from 'node:fs';
import { appendKey, shardOf } from '@motion-ts/core/store';
import { RedisStore } from '@motion-ts/redis';
import { conformance, openInProcess } from '@motion-ts/test-harness';
import { type RedisCluster, startRedisCluster } from '@motion-ts/test-harness/servers';
import { Cluster } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUCKETS, slotOf } from '../src/layout.js';
import { appendUntil, failureOf, fresh, open as openStore } from './clients.js';

const onWarning = (): void => {};
let servers: RedisCluster;
beforeAll(async () => {
  servers = await startRedisCluster();
}, 60_000);
afterAll(() => servers?.stop());

const open = (namespace: string): RedisStore =>
  new RedisStore({ cluster: { nodes: servers.nodes }, namespace, onWarning, timeoutMs: 10_000 });

let opened = 0;
conformance({
  describe,
  test,
  name: 'RedisStore, a cluster of three servers and two processes',
  modelBudgetMs: 120_000,
  // The first client of a case is here, the second in a process of its own.
  open: async (namespace) => {
    if (opened++ % 2 === 0) return open(namespace);
    const argument = { cluster: { nodes: servers.nodes }, namespace };
    return openInProcess({ module: new URL('./open.mjs', import.meta.url), argument });
  },
});

describe('a cluster', () => {
  test('is scanned by one request to each server', async () => {
    const store = open(fresh('scan'));
    for (let i = 0; i < 40; i++) await store.commit(`p${i}`, { id: fresh('c'), due: { in: -1000 * 3600 * (i + 1) } });
    const before = await scriptsRun();
    const page = await store.scan({ due: true });
    expect(page.partitions).toEqual(Array.from({ length: 40 }, (_, i) => `p${39 - i}`));
    expect((await scriptsRun()) - before).toBe(servers.servers.length);
    await store.close();
  });

  test('that moves its slots under load loses nothing, doubles nothing and keeps the order', async () => {
    const namespace = fresh('moving');
    const stores = [open(namespace), open(namespace)];
    const names = Array.from({ length: 24 }, (_, i) => `p${i}`);
    let stop = false;
    const writers = names.map((name, i) => appendUntil(stores[i % 2] as RedisStore, name, () => stop));
    let scans = 0;
    const scanning = (async () => {
      while (!stop) {
        const { partitions } = await (stores[0] as RedisStore).scan({ due: true });
        if (partitions.length > 0) scans++;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    // The slot of each partition's bucket goes round all servers.
    const slots = [...new Set(names.map((name) => slotOf(`${namespace}.${shardOf(name, BUCKETS)}`)))];
    let moves = 0;
    const rounds = process.env['MOTION_NIGHTLY'] ? 10 : 1;
    for (let round = 0; round < rounds; round++)
      for (const slot of slots) {
        const from = await servers.ownerOf(slot);
        const to = servers.servers[(servers.servers.indexOf(from) + 1) % servers.servers.length];
        await servers.moveSlot(slot, to as (typeof servers.servers)[number]);
        moves++;
      }
    stop = true;
    const written = await Promise.all(writers);
    await scanning;
    console.log(`${moves} slots moved; ${written.reduce((a, b) => a + b)} appends; ${scans} scans`);
    for (const [i, name] of names.entries()) {
      const count = written[i] as number;
      const keys = Array.from({ length: count }, (_, n) => appendKey(n + 1));
      const values: string[] = [];
      for (let n = 0; n < keys.length; n += 400) {
        const { seq, entries } = await (stores[1] as RedisStore).get(name, keys.slice(n, n + 400));
        expect(seq).toBe(count);
        values.push(...entries.map((entry) => Buffer.from(entry?.value ?? []).toString()));
      }
      expect(values).toEqual(keys.map((_, n) => String(n + 1)));
    }
    const { partitions } = await (stores[1] as RedisStore).scan({ due: true });
    expect([...partitions].sort()).toEqual([...names].sort());
    await Promise.all(stores.map((store) => store.close()));
  }, 300_000);

  test('is not for a client of one server', async () => {
    const error = await failureOf(openStore({ url: servers.servers[0]?.url as string }).open());
    expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining('option cluster') });
  });

  test('with a user who has the documented permissions', async () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const rules =
      (/^ACL SETUSER app (.*)$/m.exec(readme) as RegExpExecArray)[1]?.replace('>password', '>pw').split(' ') ?? [];
    const more = (/a cluster `(\+[^`]*)`/.exec(readme) as RegExpExecArray)[1]?.split(' ') ?? [];
    for (const server of servers.servers) await server.ask('ACL', 'SETUSER', 'app', 'reset', ...rules, ...more);
    const options = { redisOptions: { username: 'app', password: 'pw' } };
    const [store, other] = [0, 1].map(() =>
      openStore({ cluster: { nodes: servers.nodes, options }, namespace: 'app' }),
    ) as [RedisStore, RedisStore];
    const told: (string | undefined)[] = [];
    other.watch((partition) => told.push(partition));
    await expect
      .poll(async () => {
        const commit = { id: fresh('c'), appends: [new Uint8Array(1)], due: { in: -1 } };
        expect(await store.commit('p', commit)).toMatchObject({ ok: true });
        return told.includes('p');
      })
      .toBe(true);
    expect((await other.scan({ due: true })).partitions).toEqual(['p']);
    const wrong = openStore({
      cluster: { nodes: servers.nodes, options: { redisOptions: { username: 'app', password: 'no' } } },
    });
    expect(await failureOf(wrong.get('p', []))).toMatchObject({ code: 'invalid' });
  });

  test("through the caller's client", async () => {
    const client = new Cluster([...servers.nodes], {
      retryDelayOnFailover: 0,
      redisOptions: { autoResendUnfulfilledCommands: false },
    });
    const store = openStore({ client });
    expect(await store.commit('p', { id: fresh('c'), appends: [new Uint8Array(1)] })).toEqual({ ok: true, seq: 1 });
    await store.close();
    expect(client.status).toBe('ready');
    client.disconnect();
  });
});

/** How many scripts ran so far, on all servers. */
async function scriptsRun(): Promise<number> {
  const infos = await Promise.all(servers.servers.map((server) => server.ask('INFO', 'commandstats')));
  const counts = infos.map((info) => Number(/cmdstat_evalsha:calls=(\d+)/.exec(String(info))?.[1] ?? 0));
  return counts.reduce((a, b) => a + b);
}
