import assert from 'node:assert/strict';
import { appendKey } from '@motion-ts/core/store';
import { applied, bytes, change, eventually, type Group, putTexts, refused } from './suite.js';

export const drop: Group = (add, terms) => {
  add('a dropped partition starts afresh', async ({ store, other, partition }) => {
    await putTexts(store, partition, { a: '1' });
    applied(await store.commit(partition, change({ appends: [bytes('x'), bytes('y')], due: { in: -1000 } })));
    const deletes = ['a', appendKey(1), appendKey(2)];
    assert.deepEqual(await other.commit(partition, change({ deletes, drop: true })), { ok: true });
    assert.deepEqual(await store.get(partition, ['a', appendKey(1)]), {
      seq: 0,
      dueIn: null,
      entries: [undefined, undefined],
    });
    assert.deepEqual(await store.list(partition, { prefix: '', limit: 10 }), []);
    for (const query of [{ due: true }, { prefix: partition }] as const)
      await eventually(
        'the scan forgets it',
        async () => {
          return !(await store.scan(query)).partitions.includes(partition);
        },
        terms.scanLagMs + terms.patienceMs,
      );
    assert.deepEqual(await store.commit(partition, change({ appends: [bytes('n')] })), { ok: true, seq: 1 });
  });

  add('a drop whose check fails drops nothing', async ({ store, partition }) => {
    await putTexts(store, partition, { a: '1' });
    applied(await store.commit(partition, change({ appends: [bytes('x')], due: { in: 100_000 } })));
    const commit = change({ checks: [{ key: 'a', rev: null }], deletes: ['a', appendKey(1)], drop: true });
    refused(await store.commit(partition, commit), 'a');
    refused(await store.commit(partition, change({ seqIs: 7, deletes: ['a', appendKey(1)], drop: true })), '#seq');
    const snapshot = await store.get(partition, ['a', appendKey(1)]);
    assert.equal(snapshot.seq, 1);
    assert.ok(snapshot.dueIn !== null && snapshot.entries[0] && snapshot.entries[1]);
  });

  add('dropping what is not there is fine', async ({ store, partition }) => {
    assert.deepEqual(await store.commit(partition, change({ drop: true })), { ok: true });
    assert.equal((await store.get(partition, [])).seq, 0);
  });

  add('a partition may be dropped and used again and again', async ({ store, partition }) => {
    for (let i = 0; i < 3; i++) {
      const result = await store.commit(partition, change({ appends: [bytes('x')], due: { in: 0 } }));
      assert.deepEqual(result, { ok: true, seq: 1 });
      await eventually(
        'the scan lists it',
        async () => {
          return (await store.scan({ prefix: partition })).partitions.includes(partition);
        },
        terms.scanLagMs + terms.patienceMs,
      );
      applied(await store.commit(partition, change({ deletes: [appendKey(1)], drop: true })));
    }
  });
};
