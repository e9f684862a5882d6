import assert from 'node:assert/strict';
import { appendKey } from '@motion-ts/core/store';
import { applied, bytes, change, type Group, putTexts, refused, rejects, texts } from './suite.js';

export const atomicity: Group = (add) => {
  add('C1 a commit applies all its parts', async ({ store, other, partition }) => {
    await putTexts(store, partition, { gone: '1' });
    const puts = Array.from({ length: 5 }, (_, i) => ({ key: `k${i}`, value: bytes(`v${i}`) }));
    const commit = change({ puts, appends: [bytes('x'), bytes('y')], deletes: ['gone'], due: { in: 100_000 } });
    assert.deepEqual(await store.commit(partition, commit), { ok: true, seq: 2 });
    const all = await texts(other, partition, ...puts.map((put) => put.key), appendKey(1), appendKey(2), 'gone');
    assert.deepEqual(all, ['v0', 'v1', 'v2', 'v3', 'v4', 'x', 'y', undefined]);
    assert.ok((await other.get(partition, [])).dueIn !== null);
  });

  add('C1 a refused commit applies none of its parts', async ({ store, other, partition }) => {
    const rev = await putTexts(store, partition, { a: '1', stays: '1' });
    const commit = change({
      checks: [
        { key: 'a', rev },
        { key: 'stays', rev: null },
      ],
      puts: [
        { key: 'a', value: bytes('2') },
        { key: 'b', value: bytes('2') },
      ],
      appends: [bytes('x')],
      deletes: ['stays'],
      due: { in: 0 },
    });
    refused(await store.commit(partition, commit), 'stays');
    assert.deepEqual(await texts(other, partition, 'a', 'b', 'stays', appendKey(1)), ['1', undefined, '1', undefined]);
    const { seq, dueIn } = await other.get(partition, []);
    assert.deepEqual([seq, dueIn], [0, null]);
    assert.deepEqual(await store.commit(partition, change({ appends: [bytes('y')] })), { ok: true, seq: 1 });
  });

  add('C1 a refused or rejected commit harms no other that is made in the same turn', async ({ store, partition }) => {
    const rev = await putTexts(store, partition, { a: '1' });
    const tooLarge = new Uint8Array(store.limits.valueBytes + 1);
    const outcomes = await Promise.allSettled([
      store.commit(partition, change({ puts: [{ key: 'b', value: bytes('b') }] })),
      store.commit(partition, change({ checks: [{ key: 'a', rev: null }], puts: [{ key: 'c', value: bytes('c') }] })),
      store.commit(partition, change({ puts: [{ key: 'd', value: tooLarge }] })),
      store.commit(partition, change({ checks: [{ key: 'a', rev }], puts: [{ key: 'e', value: bytes('e') }] })),
      store.commit(partition, change({ appends: [bytes('x')] })),
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.ok : 'rejected')),
      [true, false, 'rejected', true, true],
    );
    assert.deepEqual(await texts(store, partition, 'b', 'c', 'd', 'e'), ['b', undefined, undefined, 'e']);
    assert.equal((await store.get(partition, [])).seq, 1);
  });

  add(
    'C2 commits of one client that are not awaited apply in some order, each on the state before it',
    async (fixture) => {
      const { store, partition } = fixture;
      const results = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          store.commit(partition, change({ seqIs: i, appends: [bytes(String(i))] })),
        ),
      );
      // Whatever the order was, the first can only have found 0 and no gap can be.
      const wins = results.filter((result) => result.ok).length;
      assert.ok(wins >= 1);
      assert.equal((await store.get(partition, [])).seq, wins);
      const values = await texts(store, partition, ...Array.from({ length: wins }, (_, i) => appendKey(i + 1)));
      assert.deepEqual(
        values,
        values.map((_, i) => String(i)),
      );
    },
  );

  add('C1 an invalid commit among valid ones is rejected alone', async ({ store, partition }) => {
    const bad = store.commit(partition, { id: 'not an id', puts: [{ key: 'a', value: bytes('1') }] });
    const good = store.commit(partition, change({ puts: [{ key: 'b', value: bytes('2') }] }));
    await rejects(bad, 'invalid');
    applied(await good);
    assert.deepEqual(await texts(store, partition, 'a', 'b'), [undefined, '2']);
  });
};
