import assert from 'node:assert/strict';
import { appendKey, type Put } from '@motion-ts/core/store';
import { applied, bytes, change, type Group, rejects, texts, turn } from './suite.js';

export const limits: Group = (add) => {
  add('a value of limits.valueBytes fits, one byte more is too_large', async ({ store, partition }) => {
    const size = store.limits.valueBytes;
    const value = new Uint8Array(size + 1).fill(7);
    await rejects(store.commit(partition, change({ puts: [{ key: 'a', value }] })), 'too_large');
    await rejects(store.commit(partition, change({ appends: [value] })), 'too_large');
    assert.deepEqual([(await store.get(partition, [])).seq, await texts(store, partition, 'a')], [0, [undefined]]);
    applied(await store.commit(partition, change({ puts: [{ key: 'a', value: value.subarray(1) }] })));
    const stored = (await store.get(partition, ['a'])).entries[0]?.value;
    assert.equal(stored?.byteLength, size);
    assert.equal(stored?.[size - 1], 7);
    applied(await store.commit(partition, change({ deletes: ['a'] })));
  });

  add('values and keys of limits.commitBytes fit, one byte more is too_large', async ({ store, partition }) => {
    const { commitBytes, valueBytes } = store.limits;
    const shared = new Uint8Array(valueBytes);
    const puts: Put[] = [];
    let left = commitBytes;
    for (let i = 0; left > 0; i++) {
      const key = `k${i}`;
      const room = Math.min(valueBytes, left - key.length);
      // What is left must hold a key of its own.
      const size = left - key.length - room > 0 && left - key.length - room < 10 ? room - 20 : room;
      puts.push({ key, value: shared.subarray(0, size) });
      left -= key.length + size;
    }
    await rejects(store.commit(partition, change({ puts, deletes: ['x'] })), 'too_large');
    assert.equal((await store.get(partition, ['k0'], { known: [undefined] })).entries[0], undefined);
    applied(await store.commit(partition, change({ puts })));
    const last = puts.at(-1) as Put;
    assert.equal((await store.get(partition, [last.key])).entries[0]?.value?.byteLength, last.value.byteLength);
    applied(await store.commit(partition, change({ deletes: puts.map((put) => put.key), drop: true })));
  });

  add('limits.commitOps operations fit, one more is too_large', async ({ store, partition }) => {
    const ops = store.limits.commitOps;
    const keyOf = (i: number): string => `k${i}`;
    const puts = Array.from({ length: ops - 3 }, (_, i) => ({ key: keyOf(i), value: bytes('v') }));
    const fitting = {
      // Checks of keys that are put count once.
      checks: [
        { key: keyOf(0), rev: null },
        { key: 'none', rev: null },
      ],
      puts,
      deletes: ['gone'],
      appends: [bytes('x')],
    };
    await rejects(store.commit(partition, change({ ...fitting, deletes: ['gone', 'gone2'] })), 'too_large');
    assert.equal((await store.get(partition, [])).seq, 0);
    assert.deepEqual(await store.commit(partition, change(fitting)), { ok: true, seq: 1 });
    assert.deepEqual(await texts(store, partition, keyOf(0), keyOf(ops - 4)), ['v', 'v']);
  });

  add('limits.getKeys keys fit, one more is too_large', async ({ store, partition }) => {
    const keys = Array.from({ length: store.limits.getKeys + 1 }, (_, i) => `k${i}`);
    await rejects(store.get(partition, keys), 'too_large');
    assert.equal((await store.get(partition, keys.slice(1))).entries.length, store.limits.getKeys);
  });

  add('values beyond limits.getBytes are too_large, and known ones do not count', async ({ store, partition }) => {
    const { getBytes, getKeys, valueBytes } = store.limits;
    const count = Math.floor(getBytes / valueBytes) + 1;
    if (count > getKeys) return;
    const value = new Uint8Array(valueBytes);
    const keys = Array.from({ length: count }, (_, i) => `k${i}`);
    const known: string[] = [];
    for (const key of keys) {
      const commit = change({ puts: [{ key, value }] });
      applied(await store.commit(partition, commit));
      known.push(commit.id);
    }
    await rejects(store.get(partition, keys), 'too_large');
    assert.equal((await store.get(partition, keys.slice(1), { known: known.slice(1) })).entries.length, count - 1);
    const { entries } = await store.get(partition, keys, { known });
    assert.deepEqual(
      entries.map((entry) => entry?.rev),
      known,
    );
    for (const key of keys) applied(await store.commit(partition, change({ deletes: [key] })));
  });

  add('a cached value beyond limits.valueBytes is too_large', async ({ store, partition }) => {
    const value = new Uint8Array(store.limits.valueBytes + 1);
    await rejects(store.cacheSet(partition, 'a', value, 1000), 'too_large');
  });

  add(
    'an append of limits.valueBytes fits, beside a put as large if a commit holds both',
    async ({ store, partition }) => {
      const { valueBytes, commitBytes, getBytes } = store.limits;
      const value = new Uint8Array(valueBytes).fill(9);
      const both = 2 * valueBytes + 1 <= commitBytes;
      const puts = both ? [{ key: 'a', value }] : [];
      assert.deepEqual(await store.commit(partition, change({ puts, appends: [value] })), { ok: true, seq: 1 });
      const keys = both && 2 * valueBytes <= getBytes ? ['a', appendKey(1)] : [appendKey(1)];
      for (const entry of (await store.get(partition, keys)).entries) {
        assert.equal(entry?.value?.byteLength, valueBytes);
        assert.equal(entry?.value?.[valueBytes - 1], 9);
      }
      applied(await store.commit(partition, change({ deletes: ['a', appendKey(1)], drop: true })));
    },
  );

  add('C10 values of megabytes do not stop the event loop for long', async ({ store, partition }) => {
    const size = Math.min(store.limits.valueBytes, 4 * 2 ** 20);
    let [longest, last] = [0, performance.now()];
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    try {
      for (let i = 0; i < 3; i++) {
        applied(await store.commit(partition, change({ puts: [{ key: 'a', value: new Uint8Array(size).fill(i) }] })));
        assert.equal((await store.get(partition, ['a'])).entries[0]?.value?.byteLength, size);
        assert.equal((await store.list(partition, { prefix: 'a', limit: 1 }))[0]?.value.byteLength, size);
        await turn();
      }
    } finally {
      clearInterval(timer);
    }
    // The contract says 5 ms a megabyte. A busy machine stops a process as well, so only what is far beyond counts.
    assert.ok(longest < 1000, `the event loop stood still for ${Math.round(longest)} ms`);
    applied(await store.commit(partition, change({ deletes: ['a'], drop: true })));
  });
};
