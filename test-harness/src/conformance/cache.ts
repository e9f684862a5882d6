import assert from 'node:assert/strict';
import { bytes, eventually, type Group, pause, putTexts, rejects, text, texts } from './suite.js';

// A cached value may vanish at any time, so it may be missed; what must not be is a wrong one or an old one.
export const cache: Group = (add, terms) => {
  add('gives what was set, or nothing', async ({ store, other, partition }) => {
    assert.equal(await store.cacheGet(partition, 'a'), undefined);
    await store.cacheSet(partition, 'a', bytes('1'), 60_000);
    for (const client of [store, other]) {
      const value = await client.cacheGet(partition, 'a');
      assert.ok(value === undefined || text(value) === '1');
    }
  });

  add('keeps a value at least now and then', async ({ store, partition }) => {
    await eventually(
      'a value is kept',
      async () => {
        await store.cacheSet(partition, 'a', bytes('1'), 60_000);
        return text(await store.cacheGet(partition, 'a')) === '1';
      },
      terms.patienceMs,
    );
  });

  add('gives the value that was set last', async ({ store, partition }) => {
    for (let i = 0; i < 5; i++) {
      await store.cacheSet(partition, 'a', bytes(String(i)), 60_000);
      const value = await store.cacheGet(partition, 'a');
      assert.ok(value === undefined || text(value) === String(i));
    }
  });

  add('C8 never gives a value later than its ttl and a second', async ({ store, other, partition }) => {
    // By two clients: whose clock is right does not matter.
    await store.cacheSet(partition, 'a', bytes('1'), 50);
    await other.cacheSet(partition, 'b', bytes('1'), 50);
    await store.cacheSet(partition, 'c', bytes('1'), 0);
    const deadline = performance.now() + 1050;
    while (performance.now() < deadline) await pause(20);
    for (const client of [store, other])
      for (const key of ['a', 'b', 'c']) assert.equal(await client.cacheGet(partition, key), undefined);
  });

  add('a longer ttl counts from the last set', async ({ store, partition }) => {
    await store.cacheSet(partition, 'a', bytes('1'), 60_000);
    await store.cacheSet(partition, 'a', bytes('2'), 1);
    await eventually(
      'the shorter ttl counts',
      async () => (await store.cacheGet(partition, 'a')) === undefined,
      terms.patienceMs,
    );
  });

  add('is apart for each partition, and from the entries', async ({ store, partition }) => {
    await store.cacheSet(`${partition}1`, 'a', bytes('1'), 60_000);
    assert.equal(await store.cacheGet(`${partition}2`, 'a'), undefined);
    assert.deepEqual(await texts(store, `${partition}1`, 'a'), [undefined]);
    assert.deepEqual(await store.list(`${partition}1`, { prefix: '', limit: 10 }), []);
    await putTexts(store, partition, { a: 'entry' });
    assert.equal(await store.cacheGet(partition, 'a'), undefined);
  });

  add('clear forgets a partition, and only that', async ({ store, other, partition }) => {
    await store.cacheSet(partition, 'a', bytes('1'), 60_000);
    await store.cacheSet(partition, 'b', bytes('2'), 60_000);
    await store.cacheSet(`${partition}x`, 'a', bytes('3'), 60_000);
    await other.cacheClear(partition);
    for (const client of [store, other]) {
      assert.equal(await client.cacheGet(partition, 'a'), undefined);
      assert.equal(await client.cacheGet(partition, 'b'), undefined);
    }
    const kept = await store.cacheGet(`${partition}x`, 'a');
    assert.ok(kept === undefined || text(kept) === '3');
    await store.cacheClear(`${partition}none`);
  });

  add('keeps bytes as they are: all 256, and none', async ({ store, partition }) => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    for (const value of [all, new Uint8Array(0)]) {
      await store.cacheSet(partition, 'a', value, 60_000);
      const got = await store.cacheGet(partition, 'a');
      assert.ok(got === undefined || (got instanceof Uint8Array && Buffer.compare(got, value) === 0));
    }
  });

  add('a time to live that is no number is invalid', async ({ store, partition }) => {
    for (const ttlMs of [Number.NaN, Number.POSITIVE_INFINITY])
      await rejects(store.cacheSet(partition, 'a', bytes('1'), ttlMs), 'invalid');
    assert.equal(await store.cacheGet(partition, 'a'), undefined);
  });
};
