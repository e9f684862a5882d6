import { appendKey, type Store, type StoreError } from '@motion-ts/core/store';
import { freePort, type RedisServer, startRedis, startRedisCluster } from '@motion-ts/test-harness/servers';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, test } from 'vitest';
import { appendUntil, failureOf, fresh, open } from './clients.js';

const servers: { stop(): Promise<void> }[] = [];
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

async function start(options: Parameters<typeof startRedis>[0] = {}): Promise<RedisServer> {
  const server = await startRedis(options);
  servers.push(server);
  return server;
}

const TIMEOUT_MS = 1500;
/** What the machine may add to a timeout. */
const GRACE_MS = 1000;

/** Calls every method at once, and tells what each rejected with. All must settle in time. */
async function failures(store: Store): Promise<Record<string, string>> {
  const value = new Uint8Array(1);
  const calls = {
    get: store.get('p', ['a']),
    list: store.list('p', { prefix: '', limit: 1 }),
    commit: store.commit('p', { id: fresh('c'), puts: [{ key: 'a', value }] }),
    due: store.scan({ due: true }),
    prefix: store.scan({ prefix: 'p' }),
    cacheGet: store.cacheGet('p', 'a'),
    cacheSet: store.cacheSet('p', 'a', value, 1000),
    cacheClear: store.cacheClear('p'),
  };
  const started = performance.now();
  const entries = await Promise.all(
    Object.entries(calls).map(async ([name, call]) => {
      const { code } = await failureOf(call);
      expect(performance.now() - started).toBeLessThan(TIMEOUT_MS + GRACE_MS);
      return [name, code] as const;
    }),
  );
  return Object.fromEntries(entries);
}

const everywhere = (code: string): Record<string, string> =>
  Object.fromEntries(
    ['get', 'list', 'commit', 'due', 'prefix', 'cacheGet', 'cacheSet', 'cacheClear'].map((name) => [name, code]),
  );

async function works(store: Store, partition = 'works'): Promise<void> {
  const id = fresh('c');
  expect(await store.commit(partition, { id, puts: [{ key: 'a', value: new Uint8Array(1) }] })).toEqual({ ok: true });
  expect((await store.get(partition, ['a'])).entries[0]?.rev).toBe(id);
}

describe('a server', () => {
  test('that is not there: all is unavailable, and works once it is', async () => {
    const port = await freePort();
    const store = open({ url: `redis://127.0.0.1:${port}`, timeoutMs: TIMEOUT_MS });
    expect(await failures(store)).toEqual(everywhere('unavailable'));
    const error = await failureOf(store.get('p', []));
    expect(error.message).toContain('ECONNREFUSED');
    await start({ port });
    await works(store);
  });

  test('that hangs: every call settles, a commit as unknown, and all works once it goes on', async () => {
    const server = await start();
    const store = open({ url: server.url, timeoutMs: TIMEOUT_MS });
    await works(store);
    server.process.pause();
    expect(await failures(store)).toEqual({ ...everywhere('unavailable'), commit: 'unknown' });
    // The second time there is no connection any more: nothing can have been applied.
    expect(await failures(store)).toEqual(everywhere('unavailable'));
    server.process.resume();
    await works(store);
  });

  test("that hangs, through the caller's client", async () => {
    const server = await start();
    const client = new Redis(server.port, { autoResendUnfulfilledCommands: false });
    const store = open({ client, timeoutMs: TIMEOUT_MS });
    await works(store);
    server.process.pause();
    for (let i = 0; i < 2; i++)
      expect(await failures(store)).toEqual({ ...everywhere('unavailable'), commit: 'unknown' });
    server.process.resume();
    await works(store);
    await store.close();
    client.disconnect();
  });

  test('that hangs from the start: all is unavailable', async () => {
    const server = await start();
    const store = open({ url: server.url, timeoutMs: TIMEOUT_MS });
    server.process.pause();
    expect(await failures(store)).toEqual(everywhere('unavailable'));
    server.process.resume();
    await works(store);
  });

  test('that is restarted: reads and scans wait for it, and a commit does unless it was under way', async () => {
    const server = await start({ appendonly: true });
    const store = open({ url: server.url, timeoutMs: 20_000 });
    await works(store);
    await server.process.kill();
    const calls = Promise.all([
      store.get('works', ['a']),
      store.scan({ prefix: '' }),
      store.commit('p', { id: fresh('c'), appends: [new Uint8Array(1)] }),
    ]);
    await server.process.restart();
    const [snapshot, , result] = await calls;
    expect(snapshot.entries[0]).toBeDefined();
    expect(result).toEqual({ ok: true, seq: 1 });
    await works(store);
  });

  test('that forgot its scripts is given them again', async () => {
    const server = await start();
    const store = open({ url: server.url });
    await works(store);
    await server.ask('SCRIPT', 'FLUSH');
    await Promise.all(Array.from({ length: 20 }, (_, i) => works(store, `p${i}`)));
  });

  test('that is full: full, and nothing is applied', async () => {
    const server = await start({ args: ['--maxmemory', '6mb'] });
    const store = open({ url: server.url });
    let error: StoreError | undefined;
    for (let i = 0; error === undefined && i < 100; i++) {
      const puts = [{ key: `k${i}`, value: new Uint8Array(400_000) }];
      await store.commit('p', { id: fresh('c'), puts, appends: [new Uint8Array(1)] }).catch((reason: StoreError) => {
        error = reason;
      });
    }
    expect(error?.code).toBe('full');
    const { seq } = await store.get('p', []);
    const last = await store.get('p', [`k${seq - 1}`, `k${seq}`]);
    expect(last.entries.map((entry) => entry !== undefined)).toEqual([true, false]);
    await server.ask('CONFIG', 'SET', 'maxmemory', 0);
    await works(store);
  });

  test('that was killed with an append-only file lost nothing that was acknowledged', async () => {
    const server = await start({ appendonly: true });
    const namespace = fresh('aof');
    const stores = [0, 1].map(() => open({ url: server.url, namespace, timeoutMs: 3000 }));
    let stop = false;
    const names = ['a', 'b', 'c', 'd'];
    const writers = names.map((name, i) => appendUntil(stores[i % 2] as Store, name, () => stop));
    const kills = process.env['MOTION_NIGHTLY'] ? 50 : 5;
    for (let i = 0; i < kills; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 200));
      await server.process.kill();
      await server.process.restart();
    }
    stop = true;
    const written = await Promise.all(writers);
    console.log(`${kills} kills; ${written.reduce((a, b) => a + b)} appends acknowledged`);
    for (const [i, name] of names.entries()) {
      const count = written[i] as number;
      expect((await (stores[0] as Store).get(name, [])).seq).toBe(count);
      const some = [1, Math.ceil(count / 2), count];
      const { entries } = await (stores[1] as Store).get(name, some.map(appendKey));
      expect(entries.map((entry) => Buffer.from(entry?.value ?? []).toString())).toEqual(some.map(String));
    }
  }, 120_000);

  test('that comes back is listened to again', async () => {
    const server = await start();
    const namespace = fresh('watch');
    const [store, other] = [open({ url: server.url, namespace }), open({ url: server.url, namespace })];
    const told: (string | undefined)[] = [];
    store.watch((partition) => told.push(partition));
    await works(other);
    await server.process.stop();
    await server.process.restart();
    await expect.poll(() => told.at(-1), { timeout: 10_000 }).toBeUndefined();
    await expect
      .poll(
        async () => {
          await works(other);
          return told.at(-1);
        },
        { timeout: 10_000 },
      )
      .toBe('works');
  });

  test('that hangs does not keep close from settling', async () => {
    const server = await start();
    const store = open({ url: server.url, timeoutMs: TIMEOUT_MS });
    await works(store);
    server.process.pause();
    const call = failureOf(store.commit('p', { id: fresh('c') }));
    const started = performance.now();
    await store.close();
    expect(performance.now() - started).toBeLessThan(TIMEOUT_MS + GRACE_MS);
    expect((await call).code).toBe('unknown');
    server.process.resume();
  });
});

describe('replicas', () => {
  test('are waited for: unknown without them, applied with them', async () => {
    const server = await start();
    const wait = { replicas: 1, timeoutMs: 500 };
    const store = open({ url: server.url, wait, timeoutMs: 4000 });
    const commit = {
      id: fresh('c'),
      checks: [{ key: 'a', rev: null }],
      puts: [{ key: 'a', value: new Uint8Array(1) }],
    };
    const error = await failureOf(store.commit('p', commit));
    expect(error).toMatchObject({ code: 'unknown', message: expect.stringContaining('0 of 1 replicas') });
    expect((await store.get('p', ['a'])).entries[0]?.rev).toBe(commit.id);
    // Sent again, it is refused by itself: whoever looks then must not take it for safe.
    expect((await failureOf(store.commit('p', commit))).code).toBe('unknown');
    await start({ args: ['--replicaof', '127.0.0.1', String(server.port)] });
    await expect
      .poll(() => store.commit('p', { id: fresh('c') }).catch((reason: StoreError) => reason.code), { timeout: 20_000 })
      .toEqual({ ok: true });
    await expect
      .poll(() => store.commit('p', commit).catch((reason: StoreError) => reason.code), { timeout: 20_000 })
      .toEqual({ ok: false, failed: ['a'] });
  }, 60_000);
});

describe('a cluster', () => {
  test('with a server that hangs: every call settles, and all works once it goes on', async () => {
    const cluster = await startRedisCluster();
    servers.push(cluster);
    const store = open({ cluster: { nodes: cluster.nodes }, timeoutMs: TIMEOUT_MS });
    await works(store);
    const names = Array.from({ length: 12 }, (_, i) => `p${i}`);
    const commits = (): Promise<string[]> =>
      Promise.all(
        names.map((name) =>
          store.commit(name, { id: fresh('c'), puts: [{ key: 'a', value: new Uint8Array(1) }] }).then(
            () => 'ok',
            (error: StoreError) => error.code,
          ),
        ),
      );
    expect(new Set(await commits())).toEqual(new Set(['ok']));
    const [, second] = cluster.servers as [RedisServer, RedisServer];
    second.process.pause();
    const started = performance.now();
    const outcomes = await commits();
    expect(performance.now() - started).toBeLessThan(TIMEOUT_MS + GRACE_MS);
    expect(new Set(outcomes)).toEqual(new Set(['ok', 'unknown']));
    second.process.resume();
    await expect.poll(async () => new Set(await commits()), { timeout: 20_000 }).toEqual(new Set(['ok']));
  }, 60_000);

  test('that is not there: all is unavailable', async () => {
    const port = await freePort();
    const store = open({ cluster: { nodes: [{ host: '127.0.0.1', port }] }, timeoutMs: TIMEOUT_MS });
    expect(await failures(store)).toEqual(everywhere('unavailable'));
  });
});
