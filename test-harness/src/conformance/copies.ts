import assert from 'node:assert/strict';
import { appendKey } from '@motion-ts/core/store';
import { applied, bytes, change, type Group, putTexts, text, texts } from './suite.js';

export const copies: Group = (add) => {
  add('C11 bytes that the caller changes as soon as a commit is called stay as they were', async (fixture) => {
    const { store, partition } = fixture;
    const [put, appended] = [bytes('put'), bytes('app')];
    const committed = store.commit(partition, change({ puts: [{ key: 'a', value: put }], appends: [appended] }));
    put.fill(0);
    appended.fill(0);
    applied(await committed);
    assert.deepEqual(await texts(store, partition, 'a', appendKey(1)), ['put', 'app']);
    put.fill(1);
    assert.deepEqual(await texts(store, partition, 'a'), ['put']);
  });

  add('C11 the same holds for a Buffer, whose slice is no copy, and for a view of a larger one', async (fixture) => {
    const { store, partition } = fixture;
    const pool = Buffer.from('<<inside>>');
    const view = pool.subarray(2, 8);
    applied(await store.commit(partition, change({ puts: [{ key: 'a', value: view }] })));
    pool.fill(0);
    assert.deepEqual(await texts(store, partition, 'a'), ['inside']);
  });

  add("C11 bytes that the store gave are the caller's to change", async ({ store, partition }) => {
    await putTexts(store, partition, { a: 'mine', b: 'x'.repeat(3000) });
    for (const key of ['a', 'b']) {
      const before = await texts(store, partition, key);
      const fromGet = (await store.get(partition, [key])).entries[0]?.value as Uint8Array;
      fromGet.fill(0);
      const fromList = (await store.list(partition, { prefix: key, limit: 1 }))[0]?.value as Uint8Array;
      assert.equal(text(fromList), before[0]);
      fromList.fill(0);
      assert.deepEqual(await texts(store, partition, key), before);
    }
  });

  add('C11 two values that were given share no memory', async ({ store, partition }) => {
    await putTexts(store, partition, { a: 'aaaa', b: 'bbbb' });
    const { entries } = await store.get(partition, ['a', 'b', 'a']);
    entries[0]?.value?.fill(0);
    assert.deepEqual([text(entries[1]?.value), text(entries[2]?.value)], ['bbbb', 'aaaa']);
  });

  add('C11 the cache copies too', async ({ store, partition }) => {
    const value = bytes('mine');
    const set = store.cacheSet(partition, 'a', value, 60_000);
    value.fill(0);
    await set;
    const first = await store.cacheGet(partition, 'a');
    if (first === undefined) return;
    assert.equal(text(first), 'mine');
    first.fill(0);
    const second = await store.cacheGet(partition, 'a');
    assert.ok(second === undefined || text(second) === 'mine');
  });
};
