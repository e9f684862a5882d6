import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { StoreError } from '@motion-ts/core/store';
import { type RedisServer, startRedis } from '@motion-ts/test-harness/servers';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { RedisStore } from '../src/index.js';
import { LAYOUT } from '../src/layout.js';
import { failureOf, fresh, open } from './clients.js';

const url = inject('serverUrl');
const servers: RedisServer[] = [];
const others: Server[] = [];
const clients: (Redis | Cluster)[] = [];
afterAll(async () => {
  for (const client of clients) client.disconnect();
  for (const other of others) other.close();
  await Promise.all(servers.map((server) => server.stop()));
});

async function start(...args: string[]): Promise<RedisServer> {
  const server = await startRedis({ args });
  servers.push(server);
  return server;
}

const safe = { autoResendUnfulfilledCommands: false, lazyConnect: true } as const;
function client(options: Omit<RedisOptions, 'replyMapping'> = {}): Redis {
  const made = new Redis(url, { ...safe, ...options });
  clients.push(made);
  return made;
}

describe('options', () => {
  test.each([
    [{}],
    [{ url: '' }],
    [{ url: 'http://localhost' }],
    [{ url, client: {} }],
    [{ url, cluster: { nodes: [{ port: 1 }] } }],
    [{ cluster: { nodes: [] } }],
    [{ client: {} }],
    [{ url, namespace: '' }],
    [{ url, namespace: 'a{b}' }],
    [{ url, namespace: 'a'.repeat(65) }],
    [{ url, timeoutMs: 0 }],
    [{ url, timeOutMs: 10 }],
    [undefined],
    [{ url, timeoutMs: Number.NaN }],
    [{ url, options: { keyPrefix: 'x' } }],
    [{ url, options: { readOnly: true } }],
    [{ cluster: { nodes: [{ port: 1 }], options: { scaleReads: 'slave' } } }],
    [{ url, wait: { replicas: 0 } }],
    [{ url, wait: { replicas: 1, timeOutMs: 5 } }],
    [{ url, wait: null }],
    [{ url, wait: { replicas: 1, timeoutMs: 5000 } }],
    [{ cluster: { nodes: [{ port: 1 }] }, wait: { replicas: 1 } }],
  ])('%j is invalid', (options) => {
    const error = (() => {
      try {
        new RedisStore(options as never);
      } catch (thrown) {
        return thrown;
      }
      return undefined;
    })();
    expect(StoreError.is(error, 'invalid')).toBe(true);
  });

  test('the constructor connects to nothing, and a store that was never used closes', async () => {
    let connections = 0;
    const other = await listen(() => connections++);
    const store = open({ url: other });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await store.close();
    expect(connections).toBe(0);
  });
});

describe("a caller's client", () => {
  test('that sends again by itself is refused, and told how to make it', () => {
    for (const [bad, words] of [
      [new Redis(url, { lazyConnect: true }), 'autoResendUnfulfilledCommands: false'],
      [client({ keyPrefix: 'x:' }), 'namespace'],
      [client({ readOnly: true }), 'masters'],
      [new Cluster([url], { lazyConnect: true }), 'redisOptions: { autoResendUnfulfilledCommands: false }'],
      [new Cluster([url], { lazyConnect: true, redisOptions: safe }), 'retryDelayOnFailover: 0'],
      [
        new Cluster([url], { lazyConnect: true, redisOptions: safe, retryDelayOnFailover: 0, scaleReads: 'all' }),
        'masters',
      ],
    ] as const) {
      clients.push(bad);
      expect(() => new RedisStore({ client: bad })).toThrow(words);
    }
  });

  test('is used and stays open, whatever its other settings', async () => {
    const namespace = fresh('own');
    for (const options of [
      {},
      { enableAutoPipelining: true },
      { protocol: 2 as const },
      { stringNumbers: true },
      { enableOfflineQueue: false },
    ]) {
      const own = client(options);
      const store = open({ client: own, namespace });
      const id = fresh('c');
      const value = new Uint8Array([0, 255, 10]);
      const result = await store.commit('p', { id, puts: [{ key: 'a', value }], appends: [value], due: { in: -5 } });
      expect(result).toMatchObject({ ok: true, seq: expect.any(Number) });
      const { seq, dueIn, entries } = await store.get('p', ['a']);
      expect(entries).toEqual([{ key: 'a', rev: id, value }]);
      expect(result).toEqual({ ok: true, seq });
      expect(dueIn).toBeLessThan(0);
      expect((await store.scan({ due: true })).partitions).toEqual(['p']);
      await store.close();
      expect(own.status).toBe('ready');
    }
  });

  test('that was closed by its owner makes calls reject as invalid', async () => {
    const own = client();
    const store = open({ client: own });
    await store.get('p', []);
    own.disconnect();
    await new Promise((resolve) => own.once('end', resolve));
    expect(await failureOf(store.get('p', []))).toMatchObject({ code: 'invalid' });
    expect(await failureOf(store.commit('p', { id: 'a' }))).toMatchObject({ code: 'invalid' });
  });
});

describe('a server that does not do', () => {
  test('wants another password: invalid, and works once it is mended', async () => {
    const server = await start('--requirepass', 'secret');
    const wrong = open({ url: server.url.replace('//', '//:nonsense@') });
    const none = open({ url: server.url });
    const right = open({ url: server.url.replace('//', '//:secret@') });
    for (const store of [wrong, none])
      for (const call of [store.open(), store.get('p', []), store.commit('p', { id: fresh('c') })])
        expect(await failureOf(call)).toMatchObject({ code: 'invalid', message: expect.stringContaining('password') });
    expect((await right.get('p', [])).seq).toBe(0);
    const admin = new Redis(server.port, { password: 'secret' });
    await admin.config('SET', 'requirepass', '');
    admin.disconnect();
    expect((await none.get('p', [])).seq).toBe(0);
  });

  /** One that answers to nothing but INFO. */
  const tells = async (...info: string[]): Promise<string> => {
    const answers: [RegExp, string][] = [
      [/HELLO/, '-ERR unknown command `HELLO`\r\n'],
      [/\binfo\b/i, bulk(['# Server', ...info, 'loading:0', ''].join('\r\n'))],
      [/./, '$-1\r\n'],
    ];
    return listen((socket) =>
      socket.on('data', (data: Buffer) => {
        for (const command of data
          .toString()
          .split(/^\*\d+\r\n/m)
          .slice(1))
          socket.write((answers.find(([pattern]) => pattern.test(command)) as [RegExp, string])[1]);
      }),
    );
  };

  test.each([
    ['is too old', ['redis_version:6.2.14', 'redis_mode:standalone'], 'Redis 6.2.14'],
    ['is part of a cluster', ['redis_version:7.0.15', 'redis_mode:cluster'], 'option cluster'],
    [
      'is part of a cluster of Valkey',
      ['redis_version:7.2.4', 'server_name:valkey', 'valkey_version:8.0.1', 'server_mode:cluster'],
      'option cluster',
    ],
  ])('%s', async (_, info, message) => {
    expect(await failureOf(open({ url: await tells(...info) }).get('p', []))).toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(message),
    });
  });

  test('would evict data: invalid, and works once it is mended', async () => {
    const server = await start('--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru');
    const store = open({ url: server.url });
    const error = await failureOf(store.commit('p', { id: fresh('c'), appends: [new Uint8Array(1)] }));
    expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining('maxmemory-policy noeviction') });
    await server.ask('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru');
    expect((await store.get('p', [])).seq).toBe(0);
  });

  test('would evict data as soon as it has a limit: a warning', async () => {
    const server = await start('--maxmemory-policy', 'allkeys-lfu', '--appendonly', 'yes');
    const warnings: string[] = [];
    await open({ url: server.url, onWarning: (warning) => warnings.push(warning) }).open();
    expect(warnings).toEqual([expect.stringContaining('noeviction')]);
  });

  test('keeps nothing on disk: a warning, once', async () => {
    const server = await start();
    const warnings: string[] = [];
    const store = open({ url: server.url, onWarning: (warning) => warnings.push(warning) });
    await Promise.all([store.open(), store.get('p', []), store.scan({ due: true })]);
    await store.get('p', []);
    expect(warnings).toEqual([expect.stringContaining('appendonly')]);
    const kept = await start('--appendonly', 'yes');
    warnings.length = 0;
    await open({ url: kept.url, onWarning: (warning) => warnings.push(warning) }).open();
    expect(warnings).toEqual([]);
  });

  test('holds another layout: invalid, and nothing is written', async () => {
    const namespace = fresh('layout');
    const own = client();
    await own.set(`{${namespace}.0}:layout`, 'other');
    const store = open({ url, namespace });
    const error = await failureOf(store.commit('p', { id: fresh('c'), appends: [new Uint8Array(1)] }));
    expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining('"other"') });
    expect(await own.keys(`{${namespace}.*`)).toHaveLength(1);
    await own.set(`{${namespace}.0}:layout`, LAYOUT);
    expect((await store.get('p', [])).seq).toBe(0);
  });

  test('is a replica: its writes are unavailable', async () => {
    const master = await start();
    const writer = open({ url: master.url, namespace: 'n' });
    await writer.commit('p', { id: fresh('c'), appends: [new Uint8Array(1)] });
    const replica = await start('--replicaof', '127.0.0.1', String(master.port));
    const store = open({ url: replica.url, namespace: 'n', timeoutMs: 2000 });
    const error = await failureOf(store.commit('p', { id: fresh('c'), appends: [new Uint8Array(1)] }));
    expect(error).toMatchObject({ code: 'unavailable' });
  });
});

test('many stores at once, on a namespace that nobody used', async () => {
  const namespace = fresh('many');
  const stores = Array.from({ length: 8 }, () => open({ url, namespace }));
  const results = await Promise.all(
    stores.map((store) => store.commit('p', { id: fresh('c'), appends: [new Uint8Array(1)] })),
  );
  expect(results.map((result) => (result.ok ? result.seq : 0)).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

describe('permissions', () => {
  const RULES = permissions();

  test('as documented suffice for all that the store does', async () => {
    const server = await start();
    await server.ask('ACL', 'SETUSER', 'app', ...RULES);
    const as = server.url.replace('//', '//app:pw@');
    const warnings: string[] = [];
    const options = { url: as, namespace: 'app', onWarning: (warning: string) => warnings.push(warning) };
    const [store, other] = [open(options), open(options)];
    const large = new Uint8Array(5000).fill(3);
    const puts = [
      { key: 'a', value: new Uint8Array(1) },
      { key: 'b', value: large },
    ];
    const told: (string | undefined)[] = [];
    other.watch((partition) => told.push(partition));
    const id = fresh('c');
    expect(await store.commit('p', { id, puts, appends: [large], due: { in: -1 } })).toEqual({ ok: true, seq: 1 });
    expect((await store.get('p', ['a', 'b'], { known: [id] })).entries[1]?.value).toEqual(large);
    expect((await store.list('p', { prefix: '', limit: 10 })).length).toBe(3);
    expect((await store.scan({ due: true })).partitions).toEqual(['p']);
    expect((await store.scan({ prefix: '' })).partitions).toEqual(['p']);
    await store.cacheSet('p', 'k', large, 60_000);
    await store.cacheSet('p', 'k2', large, -1);
    expect(await store.cacheGet('p', 'k')).toEqual(large);
    await store.cacheClear('p');
    const checks = [{ key: 'a', rev: id }];
    const failing = { id: fresh('c'), checks: [{ key: 'a', rev: null }], seqIs: 0 };
    expect(await store.commit('p', failing)).toEqual({ ok: false, failed: ['a', '#seq'] });
    expect(await store.commit('p', { id: fresh('c'), checks, due: { in: null } })).toEqual({ ok: true });
    while (!told.includes('p')) {
      await store.commit('q', { id: fresh('c'), puts });
      await store.commit('p', { id: fresh('c'), puts });
    }
    const deletes = ['a', 'b', 'q/0000000000000001'];
    expect(await store.commit('p', { id: fresh('c'), deletes, drop: true })).toEqual({ ok: true });
    expect(warnings).toEqual([expect.stringContaining('appendonly')]);
  });

  test('without INFO: a warning, and nothing else', async () => {
    const server = await start();
    await server.ask('ACL', 'SETUSER', 'app', ...RULES, '-info');
    const warnings: string[] = [];
    const options = { enableReadyCheck: false };
    const url = server.url.replace('//', '//app:pw@');
    const store = open({ url, options, namespace: 'app', onWarning: (warning) => warnings.push(warning) });
    expect((await store.get('p', [])).seq).toBe(0);
    expect(warnings).toEqual([expect.stringContaining('INFO')]);
  });

  test('that lack something: invalid, and works once it is mended', async () => {
    const server = await start();
    await server.ask('ACL', 'SETUSER', 'app', ...RULES, '-evalsha');
    const store = open({ url: server.url.replace('//', '//app:pw@'), namespace: 'app' });
    const error = await failureOf(store.commit('p', { id: fresh('c') }));
    expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining('Permissions') });
    const elsewhere = open({ url: server.url.replace('//', '//app:pw@'), namespace: 'other' });
    expect(await failureOf(elsewhere.get('p', []))).toMatchObject({ code: 'invalid' });
    await server.ask('ACL', 'SETUSER', 'app', '+evalsha');
    expect(await store.commit('p', { id: fresh('c') })).toEqual({ ok: true });
  });
});

/** The rules of the README, with a password of the test's own. */
function permissions(): string[] {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, rules] = /^ACL SETUSER app (.*)$/m.exec(readme) as RegExpExecArray;
  return ['reset', ...(rules as string).replace('>password', '>pw').split(' ')];
}

function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

/** A server that is none. */
async function listen(onConnection: (socket: Socket) => void): Promise<string> {
  const other = createServer(onConnection);
  others.push(other);
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  return `redis://127.0.0.1:${(other.address() as { port: number }).port}`;
}
