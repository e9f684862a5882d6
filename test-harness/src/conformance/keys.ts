import assert from 'node:assert/strict';
import { appendKey, type Commit } from '@motion-ts/core/store';
import { applied, bytes, change, type Group, putTexts, rejects, texts } from './suite.js';

const BAD_NAMES = ['', ' ', 'a b', 'a\n', '\u0000', 'ü', '\x7f', 'a'.repeat(513)];

export const keys: Group = (add) => {
  add('keys of 1 and of 512 characters work', async ({ store, partition }) => {
    const long = 'k'.repeat(511);
    await putTexts(store, partition, { a: '1', [`${long}a`]: '2' });
    await putTexts(store, partition, { [`${long}b`]: '3' });
    assert.deepEqual(await texts(store, partition, 'a', `${long}a`, `${long}b`, long), ['1', '2', '3', undefined]);
  });

  add('every character of a key counts, from ! to ~', async ({ store, partition }) => {
    const all = Array.from({ length: 0x7e - 0x21 + 1 }, (_, i) => String.fromCharCode(0x21 + i));
    for (let i = 0; i < all.length; i += 10)
      await putTexts(store, partition, Object.fromEntries(all.slice(i, i + 10).map((char) => [char, `is ${char}`])));
    for (let i = 0; i < all.length; i += 10) {
      const some = all.slice(i, i + 10);
      assert.deepEqual(
        await texts(store, partition, ...some),
        some.map((char) => `is ${char}`),
      );
    }
    const whole = all.join('');
    await putTexts(store, partition, { [whole]: 'all' });
    assert.deepEqual(await texts(store, partition, whole), ['all']);
  });

  add('partitions of 512 characters and of every character work', async ({ store, partition }) => {
    const all = Array.from({ length: 0x7e - 0x21 + 1 }, (_, i) => String.fromCharCode(0x21 + i)).join('');
    for (const name of [partition.padEnd(512, '.'), `${partition}${all}`]) {
      applied(await store.commit(name, change({ puts: [{ key: 'a', value: bytes('1') }], appends: [bytes('x')] })));
      assert.deepEqual(await texts(store, name, 'a'), ['1']);
      assert.equal((await store.get(name, [])).seq, 1);
    }
  });

  add('keys that JavaScript objects know already are keys like others', async ({ store, partition }) => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', '0'];
    assert.deepEqual(
      await texts(store, partition, ...names),
      names.map(() => undefined),
    );
    applied(await store.commit(partition, change({ puts: names.map((key) => ({ key, value: bytes(key) })) })));
    assert.deepEqual(await texts(store, partition, ...names), names);
    await putTexts(store, `${partition}__proto__`, { a: '1' });
    assert.deepEqual(await texts(store, '__proto__', 'a'), [undefined]);
  });

  add('values are bytes: all 256, empty ones, and long ones', async ({ store, other, partition }) => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    const long = Uint8Array.from({ length: Math.min(100_000, store.limits.valueBytes) }, (_, i) => (i * 7919) & 255);
    const empty = new Uint8Array(0);
    const puts = [
      { key: 'all', value: all },
      { key: 'empty', value: empty },
      { key: 'long', value: long },
    ];
    applied(await store.commit(partition, change({ puts, appends: [all, empty, long] })));
    const { entries } = await other.get(partition, ['all', 'empty', 'long']);
    const plain = (value: Uint8Array | undefined): number[] | undefined => value && [...value];
    assert.deepEqual(
      entries.map((entry) => plain(entry?.value)),
      [all, empty, long].map(plain),
    );
    const listed = await other.list(partition, { prefix: 'q/', limit: 3 });
    assert.deepEqual(
      listed.map((entry) => plain(entry.value)),
      [all, empty, long].map(plain),
    );
  });

  add('a value may grow and shrink by much', async ({ store, partition }) => {
    const sizes = [10, 50_000, 100, 70_000, 0, 900, 1100, 80_000, 5].map((n) => Math.min(n, store.limits.valueBytes));
    for (const size of sizes) {
      const rev = (await store.get(partition, ['a'])).entries[0]?.rev ?? null;
      const commit = change({
        checks: [{ key: 'a', rev }],
        puts: [{ key: 'a', value: new Uint8Array(size).fill(size) }],
      });
      applied(await store.commit(partition, commit));
      const { entries } = await store.get(partition, ['a']);
      assert.equal(entries[0]?.value?.byteLength, size);
      assert.ok(entries[0]?.value?.every((byte) => byte === (size & 255)));
    }
    applied(await store.commit(partition, change({ deletes: ['a'] })));
    assert.deepEqual(await texts(store, partition, 'a'), [undefined]);
  });

  add('a bad name of a partition is invalid', async ({ store }) => {
    for (const name of BAD_NAMES) {
      await rejects(store.get(name, ['a']), 'invalid');
      await rejects(store.commit(name, change({})), 'invalid');
      await rejects(store.list(name, { prefix: '', limit: 1 }), 'invalid');
      await rejects(store.cacheGet(name, 'a'), 'invalid');
      await rejects(store.cacheSet(name, 'a', bytes('1'), 1000), 'invalid');
      await rejects(store.cacheClear(name), 'invalid');
    }
  });

  add('a bad name of a key is invalid', async ({ store, partition }) => {
    for (const key of BAD_NAMES) {
      await rejects(store.get(partition, ['a', key]), 'invalid');
      await rejects(store.commit(partition, change({ puts: [{ key, value: bytes('1') }] })), 'invalid');
      await rejects(store.commit(partition, change({ checks: [{ key, rev: null }] })), 'invalid');
      await rejects(store.commit(partition, change({ deletes: [key] })), 'invalid');
      await rejects(store.cacheGet(partition, key), 'invalid');
      await rejects(store.cacheSet(partition, key, bytes('1'), 1000), 'invalid');
    }
  });

  add('a commit that breaks the rules is invalid and writes nothing', async ({ store, partition }) => {
    const a = { key: 'a', value: bytes('1') };
    const broken: Omit<Commit, 'id'>[] = [
      { puts: [a, a] },
      { puts: [a], deletes: ['a'] },
      { puts: [a, { key: 'q/0000000000000001', value: bytes('x') }] },
      { puts: [a, { key: 'b', value: 'no bytes' as never }] },
      { puts: [a], appends: ['no bytes' as never] },
    ];
    for (const commit of broken) await rejects(store.commit(partition, change(commit)), 'invalid');
    for (const id of ['', 'a b', 'ü', 'x'.repeat(41)])
      await rejects(store.commit(partition, { id, puts: [a] }), 'invalid');
    assert.deepEqual(await texts(store, partition, 'a', 'b'), [undefined, undefined]);
    applied(await store.commit(partition, { id: change({}).id.padEnd(40, '.'), puts: [a] }));
  });

  add('a key may be deleted twice in one commit', async ({ store, partition }) => {
    await putTexts(store, partition, { a: '1', b: '2' });
    applied(await store.commit(partition, change({ deletes: ['a', 'a', 'none', 'none'] })));
    assert.deepEqual(await texts(store, partition, 'a', 'b'), [undefined, '2']);
  });

  add('an empty value is a value: it is there, is checked, listed and cached', async ({ store, other, partition }) => {
    const empty = new Uint8Array(0);
    const commit = change({ puts: [{ key: 'a', value: empty }], appends: [empty] });
    assert.deepEqual(await store.commit(partition, commit), { ok: true, seq: 1 });
    const { entries } = await other.get(partition, ['a', appendKey(1)]);
    for (const entry of entries) {
      assert.ok(entry?.value instanceof Uint8Array, 'an empty value reads as none');
      assert.deepEqual([entry.rev, entry.value.byteLength], [commit.id, 0]);
    }
    assert.equal((await other.list(partition, { prefix: 'a', limit: 1 }))[0]?.value.byteLength, 0);
    applied(await other.commit(partition, change({ checks: [{ key: 'a', rev: commit.id }], deletes: ['a'] })));
    assert.deepEqual(await texts(store, partition, 'a'), [undefined]);
  });
};
