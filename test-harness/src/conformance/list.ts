import assert from 'node:assert/strict';
import type { Entry } from '@motion-ts/core/store';
import { applied, bytes, change, entriesOf, type Group, putTexts, rejects, text } from './suite.js';

export const list: Group = (add) => {
  const keysOf = (entries: readonly Entry[]): string[] => entries.map((entry) => entry.key);

  add('gives entries with key, revision and value, in order of their keys', async ({ store, other, partition }) => {
    const rev = await putTexts(store, partition, { 's/b': '2', 's/a': '1', 't/x': 'no', 's/c': '3', r: 'no' });
    const all = await entriesOf(other, partition, 's/', 10);
    assert.deepEqual(
      all.map((entry) => [entry.key, entry.rev, text(entry.value)]),
      [
        ['s/a', rev, '1'],
        ['s/b', rev, '2'],
        ['s/c', rev, '3'],
      ],
    );
  });

  add('goes on behind after, whether that is there or not', async ({ store, partition }) => {
    await putTexts(store, partition, { 'k/a': '1', 'k/b': '2', 'k/c': '3' });
    for (const [after, expected] of [
      ['k/a', ['k/b', 'k/c']],
      ['k/aa', ['k/b', 'k/c']],
      ['k/', ['k/a', 'k/b', 'k/c']],
      ['a', ['k/a', 'k/b', 'k/c']],
      ['k/c', []],
      ['z', []],
    ] as const)
      assert.deepEqual(keysOf(await store.list(partition, { prefix: 'k/', after, limit: 10 })), expected);
  });

  add('gives at most limit, and all of them page by page', async ({ store, partition }) => {
    const keys = Array.from({ length: 23 }, (_, i) => `k/${String(i).padStart(2, '0')}`);
    await putTexts(store, partition, Object.fromEntries(keys.map((key) => [key, key])));
    for (const limit of [1, 7, 23, 100]) assert.deepEqual(keysOf(await entriesOf(store, partition, 'k/', limit)), keys);
  });

  add('an empty prefix gives all entries, appended ones too, and nothing of the store itself', async (fixture) => {
    const { store, partition } = fixture;
    await putTexts(store, partition, { a: '1', z: '2' });
    applied(await store.commit(partition, change({ appends: [bytes('x'), bytes('y')], due: { in: 1000 } })));
    const expected = ['a', 'q/0000000000000001', 'q/0000000000000002', 'z'];
    assert.deepEqual(keysOf(await entriesOf(store, partition, '', 3)), expected);
  });

  add('shows no deleted entry and no other partition', async ({ store, partition }) => {
    await putTexts(store, partition, { a: '1', b: '2' });
    await putTexts(store, `${partition}x`, { c: '3' });
    applied(await store.commit(partition, change({ deletes: ['a'] })));
    assert.deepEqual(keysOf(await entriesOf(store, partition, '', 10)), ['b']);
    assert.deepEqual(await store.list(`${partition}none`, { prefix: '', limit: 10 }), []);
  });

  add('orders keys bytewise', async ({ store, partition }) => {
    const keys = ['!', '/', '0', '10', '2', 'A', 'Z', 'Za', '_', 'a', 'aa', 'ab', 'b', '~'];
    await putTexts(store, partition, Object.fromEntries([...keys].reverse().map((key) => [key, key])));
    assert.deepEqual(keysOf(await entriesOf(store, partition, '', 5)), keys);
  });

  add('a prefix of keys is not a pattern', async ({ store, partition }) => {
    const specials = ['%', '_', '*', '?', '[a]', '\\', '{x}', '^', '.', "'", '"'];
    await putTexts(store, partition, {
      aout: 'x',
      xout: 'x',
      ...Object.fromEntries(specials.map((s) => [`${s}in`, s])),
    });
    for (const special of specials)
      assert.deepEqual(keysOf(await store.list(partition, { prefix: special, limit: 10 })), [`${special}in`]);
  });

  add('shows every entry whose commit resolved before, while others write', async ({ store, other, partition }) => {
    const before = Array.from({ length: 10 }, (_, i) => `k/${i}`);
    await putTexts(store, partition, Object.fromEntries(before.map((key) => [key, 'old'])));
    const writing = Promise.all(
      Array.from({ length: 10 }, (_, i) => putTexts(other, partition, { [`k/${i}x`]: 'new' })),
    );
    const seen = keysOf(await entriesOf(store, partition, 'k/', 4));
    for (const key of before) assert.ok(seen.includes(key), `${key} is missing`);
    await writing;
  });

  add('a limit below 1 is invalid', async ({ store, partition }) => {
    await rejects(store.list(partition, { prefix: '', limit: 0 }), 'invalid');
  });

  add('names that are prefixes of each other stay apart', async ({ store, other, partition }) => {
    const keys = ['a', 'a!', 'a/', 'a//', 'a/b', 'a0', 'a:', 'aa', 'a~', 'b'];
    const places = [partition, `${partition}/`, `${partition}0`, `${partition}:`, `${partition}/a`];
    for (const place of places) await putTexts(store, place, Object.fromEntries(keys.map((key) => [key, place + key])));
    for (const place of places) {
      for (const prefix of ['', 'a', 'a/', 'a//', 'a0', 'a:', 'aa', 'c'])
        for (const limit of [2, 100]) {
          const listed = await entriesOf(other, place, prefix, limit);
          assert.deepEqual(
            listed.map(({ key, value }) => [key, text(value)]),
            keys.filter((key) => key.startsWith(prefix)).map((key) => [key, place + key]),
          );
        }
    }
    applied(await store.commit(partition, change({ deletes: keys, drop: true })));
    assert.deepEqual(await entriesOf(store, partition, ''), []);
    for (const place of places.slice(1)) assert.equal((await entriesOf(store, place, '')).length, keys.length);
  });

  add('lists keys of 512 characters, and goes on behind them', async ({ store, partition }) => {
    const long = 'k'.repeat(511);
    const keys = [`${long}!`, `${long}a`, `${long}~`];
    await putTexts(store, partition, Object.fromEntries([...keys, 'kk'].map((key) => [key, '1'])));
    assert.deepEqual(keysOf(await entriesOf(store, partition, long, 1)), keys);
    assert.deepEqual(keysOf(await store.list(partition, { prefix: '', after: keys[1] as string, limit: 9 })), [
      keys[2],
    ]);
    assert.deepEqual(keysOf(await store.list(partition, { prefix: keys[0] as string, limit: 9 })), [keys[0]]);
  });
};
