import assert from 'node:assert/strict';
import { change, type Group, putTexts, text, texts } from './suite.js';

export const get: Group = (add) => {
  add('an absent partition reads as empty', async ({ store, partition }) => {
    assert.deepEqual(await store.get(partition, ['a', 'b']), { seq: 0, dueIn: null, entries: [undefined, undefined] });
    assert.deepEqual(await store.get(partition, []), { seq: 0, dueIn: null, entries: [] });
  });

  add('an entry has the value it was put with, and the id of its commit as revision', async ({ store, partition }) => {
    const id = await putTexts(store, partition, { a: 'one' });
    const [entry] = (await store.get(partition, ['a'])).entries;
    assert.equal(entry?.key, 'a');
    assert.equal(entry?.rev, id);
    assert.equal(text(entry?.value), 'one');
    assert.ok(entry?.value instanceof Uint8Array);
  });

  add('gives entries in the order of the keys, absent ones and repeated ones too', async ({ store, partition }) => {
    await putTexts(store, partition, { a: '1', b: '2', c: '3' });
    assert.deepEqual(await texts(store, partition, 'c', 'x', 'a', 'c'), ['3', undefined, '1', '3']);
  });

  add('a value stays out only for the very revision that is known', async ({ store, partition }) => {
    const rev = await putTexts(store, partition, { a: '1', b: '2' });
    const { entries } = await store.get(partition, ['a', 'b', 'a'], { known: [rev, undefined, 'another'] });
    assert.deepEqual(
      entries.map((entry) => entry?.rev),
      [rev, rev, rev],
    );
    // Put by the same commit: knowing one says nothing of the other.
    assert.equal(text(entries[1]?.value), '2');
    assert.equal(text(entries[2]?.value), '1');
  });

  add('reads many keys at once', async ({ store, partition }) => {
    const count = Math.min(store.limits.getKeys, store.limits.commitOps, 200);
    const all = Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, `v${i}`]));
    const rev = await putTexts(store, partition, all);
    assert.deepEqual(await texts(store, partition, ...Object.keys(all)), Object.values(all));
    const known = Object.keys(all).map((_, i) => (i % 2 === 0 ? rev : undefined));
    const { entries } = await store.get(partition, Object.keys(all), { known });
    for (let i = 1; i < count; i += 2) assert.equal(text(entries[i]?.value), `v${i}`);
  });

  add('partitions share nothing', async ({ store, partition }) => {
    await putTexts(store, `${partition}1`, { a: 'one' });
    await putTexts(store, `${partition}2`, { a: 'two' });
    assert.deepEqual(await texts(store, partition, 'a'), [undefined]);
    assert.deepEqual(await texts(store, `${partition}1`, 'a'), ['one']);
    assert.deepEqual(await texts(store, `${partition}2`, 'a'), ['two']);
  });

  add('a put replaces, a delete removes, and deleting what is absent is fine', async ({ store, partition }) => {
    await putTexts(store, partition, { a: 'old', b: 'stays' });
    await putTexts(store, partition, { a: 'new' });
    assert.deepEqual(await texts(store, partition, 'a', 'b'), ['new', 'stays']);
    assert.deepEqual(await store.commit(partition, change({ deletes: ['a', 'never-there'] })), { ok: true });
    assert.deepEqual(await texts(store, partition, 'a', 'b'), [undefined, 'stays']);
  });

  add('a commit of nothing is applied', async ({ store, partition }) => {
    assert.deepEqual(await store.commit(partition, change({})), { ok: true });
  });
};
