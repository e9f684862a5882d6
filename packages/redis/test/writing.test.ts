import { appendKey, shardOf } from '@motion-ts/core/store';
import { startRedis } from '@motion-ts/test-harness/servers';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, test } from 'vitest';
import { BUCKETS, bucketsOf, Keys, slotOf } from '../src/layout.js';
import { failureOf, fresh, open } from './clients.js';

// Of its own: some tests count what it is asked.
const server = await startRedis();
const { url } = server;
const redis = new Redis(url);
afterAll(() => {
  redis.disconnect();
  return server.stop();
});

const put = (key: string, size = 10) => ({ id: fresh('c'), puts: [{ key, value: new Uint8Array(size).fill(1) }] });

describe('a key that holds what the store did not write', () => {
  const whole = (id: string) => ({ ...put('a'), id, appends: [new Uint8Array(3)], due: { in: 5 } });

  test.each([0, 1, 2, 3])('number %i: corrupt, and nothing is written', async (which) => {
    const namespace = fresh('foreign');
    const store = open({ url, namespace });
    await store.open();
    const keys = new Keys(namespace).all('p');
    await redis.set(keys[which] as string, 'foreign');
    const before = await redis.keys(`{${namespace}.*`);
    const error = await failureOf(store.commit('p', whole(fresh('c'))));
    expect(error).toMatchObject({ code: 'corrupt', message: expect.stringContaining('WRONGTYPE') });
    expect((await redis.keys(`{${namespace}.*`)).sort()).toEqual(before.sort());
    await redis.del(keys[which] as string);
    expect(await store.commit('p', whole(fresh('c')))).toEqual({ ok: true, seq: 1 });
  });

  test('a damaged head or entry: corrupt', async () => {
    const namespace = fresh('damaged');
    const store = open({ url, namespace });
    await store.commit('p', whole(fresh('c')));
    const [entries] = new Keys(namespace).all('p');
    await redis.hset(entries, 'a', 'x');
    expect(await failureOf(store.get('p', ['a']))).toMatchObject({ code: 'corrupt' });
    expect(await failureOf(store.list('p', { prefix: '', limit: 5 }))).toMatchObject({ code: 'corrupt' });
    await redis.hset(entries, '', 'x');
    expect(await failureOf(store.commit('p', whole(fresh('c'))))).toMatchObject({ code: 'corrupt' });
    expect(await failureOf(store.get('p', []))).toMatchObject({ code: 'corrupt' });
  });
});

describe('large values', () => {
  test('leave nothing behind when they are replaced or deleted', async () => {
    const namespace = fresh('large');
    const store = open({ url, namespace });
    const [entries, order] = new Keys(namespace).all('p');
    for (const size of [5000, 6000, 10, 7000, 0, 1024, 1025]) await store.commit('p', put('k', size));
    await store.commit('p', put('k', 5));
    expect((await redis.hkeys(entries)).sort()).toEqual([' ', 'k']);
    await store.commit('p', { ...put('k', 9000), appends: [new Uint8Array(9000), new Uint8Array(1)] });
    expect((await redis.hkeys(entries)).sort()).toEqual(
      ['', ' ', ' k', ` ${appendKey(1)}`, 'k', appendKey(1), appendKey(2)].sort(),
    );
    await store.commit('p', { id: fresh('c'), deletes: ['k', appendKey(1)] });
    expect((await redis.hkeys(entries)).sort()).toEqual(['', ' ', appendKey(2)]);
    expect(await redis.zrange(order, '0', '-1')).toEqual([appendKey(2)]);
    await store.commit('p', { id: fresh('c'), deletes: [appendKey(2)], drop: true });
    expect(await redis.keys(`{${namespace}.*:*:p`)).toEqual([]);
  });

  test('do not travel, nor are looked at, when their revision is known', async () => {
    const namespace = fresh('known');
    const store = open({ url, namespace });
    const commit = put('k', 5000);
    await store.commit('p', commit);
    // Were it read, it would be missing.
    await redis.hdel(new Keys(namespace).entries('p'), ' k');
    const { entries } = await store.get('p', ['k'], { known: [commit.id] });
    expect(entries[0]).toEqual({ key: 'k', rev: commit.id });
    expect(await failureOf(store.get('p', ['k']))).toMatchObject({ code: 'corrupt' });
  });

  test('are memory of their own', async () => {
    const store = open({ url });
    await store.commit('p', put('k', 20));
    const value = (await store.get('p', ['k'])).entries[0]?.value;
    expect(value?.buffer.byteLength).toBe(20);
    expect(value?.constructor).toBe(Uint8Array);
  });
});

test('a drop that would leave an entry is refused, and drops nothing', async () => {
  const store = open({ url });
  await store.commit('p', { ...put('k'), appends: [new Uint8Array(1)] });
  for (const commit of [{}, { deletes: ['k', 'k'] }, { ...put('x'), deletes: ['k', appendKey(1)] }])
    expect(await failureOf(store.commit('p', { ...commit, id: fresh('c'), drop: true }))).toMatchObject({
      code: 'invalid',
    });
  const snapshot = await store.get('p', ['k']);
  expect([snapshot.seq, snapshot.entries.length]).toEqual([1, 1]);
});

test('dues are exact, however far', async () => {
  const store = open({ url });
  for (const ms of [0.4, -1e300, 1e300, 2 ** 52, -(2 ** 52)]) {
    await store.commit('p', { id: fresh('c'), due: { in: ms } });
    const { dueIn } = await store.get('p', []);
    const clamped = Math.max(-(2 ** 52), Math.min(2 ** 52, Math.round(ms)));
    expect(Math.abs((dueIn as number) - clamped)).toBeLessThan(5000);
    expect((await store.scan({ due: true })).partitions).toEqual(ms < 1 ? ['p'] : []);
  }
});

test('many that are due at one moment are all found, page by page', async () => {
  const namespace = fresh('same');
  const store = open({ url, namespace });
  await store.open();
  const names = Array.from({ length: 300 }, (_, i) => `p${i}`);
  // All in one bucket at one time, which commits would hardly bring about.
  for (const name of names) await redis.zadd(`{${namespace}.7}:due`, '1000', name);
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.scan({ due: true }, cursor);
    found.push(...page.partitions);
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect(found).toEqual([...names].sort());
});

test('a scan of a server is one request, and a shard looks at no more buckets than it must', async () => {
  const store = open({ url });
  await store.scan({ due: true });
  const count = async (): Promise<number> =>
    Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
  const before = await count();
  await store.scan({ due: true });
  expect((await count()) - before).toBe(1);
  for (const [of, buckets] of [
    [1, 256],
    [4, 64],
    [6, 128],
    [7, 256],
    [512, 1],
  ] as const) {
    expect(bucketsOf([1 % of, of])).toHaveLength(buckets);
    for (let i = 0; i < 200; i++) expect(bucketsOf([shardOf(`p${i}`, of), of])).toContain(shardOf(`p${i}`, BUCKETS));
  }
});

test('slots are those of the server', async () => {
  expect(slotOf('123456789')).toBe(0x31c3);
});

describe('the cache', () => {
  test('goes away by itself, and does not keep what expired', async () => {
    const namespace = fresh('cache');
    const store = open({ url, namespace });
    const key = new Keys(namespace).cache('p');
    for (let i = 0; i < 200; i++) await store.cacheSet('p', `short${i}`, new Uint8Array(10), 50);
    expect(await redis.pttl(key)).toBeLessThanOrEqual(50);
    await store.cacheSet('p', 'long', new Uint8Array(10), 60_000);
    await store.cacheSet('p', 'short', new Uint8Array(10), 5);
    expect(await redis.pttl(key)).toBeGreaterThan(50_000);
    await new Promise((resolve) => setTimeout(resolve, 60));
    for (let i = 0; i < 300; i++) await store.cacheSet('p', 'long', new Uint8Array(10), 60_000);
    expect(await redis.hlen(key)).toBeLessThan(20);
    expect(await store.cacheGet('p', 'long')).toBeDefined();
  });
});

describe('hints', () => {
  test('of a busy process are gathered', async () => {
    const namespace = fresh('hints');
    const [store, other] = [open({ url, namespace }), open({ url, namespace })];
    const told = new Set<string | undefined>();
    other.watch((partition) => told.add(partition));
    await expect
      .poll(async () => {
        await store.commit('first', put('a'));
        return told.has('first');
      })
      .toBe(true);
    let messages = 0;
    const subscriber = new Redis(url);
    subscriber.on('message', () => messages++);
    await subscriber.subscribe(new Keys(namespace).channel);
    const started = performance.now();
    for (let i = 0; i < 20; i++)
      await Promise.all(Array.from({ length: 20 }, (_, n) => store.commit(`p${n}`, put('a'))));
    const took = performance.now() - started;
    await expect.poll(() => told.has('p19') || told.has(undefined)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(messages).toBeGreaterThan(0);
    expect(messages).toBeLessThan(took / 10 + 5);
    subscriber.disconnect();
  });
});

describe('what is asked for in one turn', () => {
  const scriptsRun = async (): Promise<number> =>
    Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);

  test('shares a request, and an error of one harms no other', async () => {
    const namespace = fresh('batch');
    const store = open({ url, namespace });
    const keys = new Keys(namespace);
    await Promise.all([store.commit('warm', put('a')), store.commit('warm', put('b'))]);
    await Promise.all([store.get('warm', ['a']), store.get('warm', ['b'])]);
    await redis.set(keys.all('bad')[1], 'foreign');
    const before = await scriptsRun();
    const commits = ['p', 'q', 'bad', 'p', 'r'].map((name, i) => ({
      name,
      commit: { ...put(`k${i}`, i === 4 ? 5000 : 10), appends: [new Uint8Array(i)], due: { in: 1000 * i } },
    }));
    const refused = { ...put('k0'), checks: [{ key: 'k0', rev: null }] };
    const outcomes = await Promise.allSettled([
      ...commits.map(({ name, commit }) => store.commit(name, commit)),
      store.commit('p', refused),
    ]);
    expect((await scriptsRun()) - before).toBe(1);
    expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.code))).toEqual([
      { ok: true, seq: 1 },
      { ok: true, seq: 1 },
      'corrupt',
      { ok: true, seq: 2 },
      { ok: true, seq: 1 },
      { ok: false, failed: ['k0'] },
    ]);
    const between = await scriptsRun();
    const reads = await Promise.all([
      ...commits.map(({ name, commit }, i) =>
        store.get(name, [`k${i}`, 'none'], { known: [i === 1 ? commit.id : ''] }),
      ),
      store.get('absent', []),
    ]);
    expect((await scriptsRun()) - between).toBe(1);
    expect(reads.map(({ seq }) => seq)).toEqual([2, 1, 0, 2, 1, 0]);
    expect(reads.map(({ entries }) => entries[0]?.value?.byteLength)).toEqual([
      10,
      undefined,
      undefined,
      10,
      5000,
      undefined,
    ]);
    expect(reads[1]?.entries).toEqual([{ key: 'k1', rev: commits[1]?.commit.id }, undefined]);
    expect(reads[3]?.dueIn).toBeGreaterThan(2000);
  });

  test('is more than one request takes: all is done, in order', async () => {
    const store = open({ url });
    await store.open();
    const results = await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        store.commit('p', { id: fresh('c'), appends: [new Uint8Array(i % 50 === 0 ? 100_000 : 8)] }),
      ),
    );
    expect(results).toEqual(Array.from({ length: 300 }, (_, i) => ({ ok: true, seq: i + 1 })));
  });

  test('alone, needs no script for what is small', async () => {
    const store = open({ url });
    const commit = put('a', 1000);
    await store.commit('p', { ...commit, due: { in: 60_000 } });
    await store.get('p', ['a']);
    const before = await scriptsRun();
    expect((await store.get('p', ['a', 'x'])).entries[0]?.value?.byteLength).toBe(1000);
    const { dueIn, entries } = await store.get('p', ['a'], { known: [commit.id] });
    expect(entries).toEqual([{ key: 'a', rev: commit.id }]);
    expect(Math.abs((dueIn as number) - 60_000)).toBeLessThan(10_000);
    expect((await scriptsRun()) - before).toBe(0);
  });
});

describe('what no store ever wrote', () => {
  test('a revision of several words is none: the call that asks for it, and those beside it, get what they ask for', async () => {
    const store = open({ url, namespace: fresh('words') });
    await store.commit('p', put('a'));
    await store.commit('q', put('b'));
    const checked = (rev: string) => ({ ...put('c'), checks: [{ key: 'a', rev }] });
    const results = await Promise.all([
      store.get('p', ['a'], { known: ['x 9 9'] }),
      store.get('q', ['b']),
      store.commit('p', checked('x 0 0')),
      store.commit('q', put('d')),
      store.commit('p', { ...put('c'), checks: [{ key: 'absent', rev: '' }] }),
    ]);
    expect(results[0]).toMatchObject({ entries: [{ key: 'a', value: expect.any(Uint8Array) }] });
    expect(results[1]).toMatchObject({ entries: [{ key: 'b', value: expect.any(Uint8Array) }] });
    expect(results.slice(2)).toEqual([{ ok: false, failed: ['a'] }, { ok: true }, { ok: false, failed: ['absent'] }]);
  });

  test.each(['a b', 'a\tb', 'a\n'])('a prefix %j is refused', async (prefix) => {
    const store = open({ url, namespace: fresh('words') });
    expect(await failureOf(store.list('p', { prefix, limit: 5 }))).toMatchObject({ code: 'invalid' });
    expect(await failureOf(store.list('p', { prefix: '', after: prefix, limit: 5 }))).toMatchObject({
      code: 'invalid',
    });
    expect(await failureOf(store.scan({ prefix }))).toMatchObject({ code: 'invalid' });
  });
});

test('keys that are deleted or checked thousands of times in one commit are judged once, or refused whole', async () => {
  const store = open({ url, namespace: fresh('often') });
  await store.commit('p', put('b'));
  const deletes = Array.from({ length: 9_000 }, () => 'b');
  expect(await store.commit('p', { ...put('a'), deletes })).toEqual({ ok: true });
  const checks = Array.from({ length: 9_000 }, () => ({ key: 'b', rev: null }));
  expect(await failureOf(store.commit('p', { ...put('c'), checks }))).toMatchObject({ code: 'too_large' });
  const { entries } = await store.get('p', ['a', 'b', 'c']);
  expect(entries.map((entry) => entry?.key)).toEqual(['a', undefined, undefined]);
});

test('with too few replicas a commit that failed of itself still says why', async () => {
  const namespace = fresh('alone');
  await open({ url, namespace }).commit('p', put('a'));
  const store = open({ url, namespace, wait: { replicas: 1, timeoutMs: 50 } });
  expect(await failureOf(store.commit('p', { id: fresh('c'), drop: true }))).toMatchObject({ code: 'invalid' });
  expect(await failureOf(store.commit('p', put('b')))).toMatchObject({ code: 'unknown' });
});
