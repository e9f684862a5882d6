import assert from 'node:assert/strict';
import { applied, bytes, change, type Group, putTexts, refused, texts } from './suite.js';

export const checks: Group = (add) => {
  const put = (key: string, value: string): { puts: { key: string; value: Uint8Array }[] } => ({
    puts: [{ key, value: bytes(value) }],
  });

  add('C2 a check of the current revision holds, and of any other fails', async ({ store, other, partition }) => {
    const rev = await putTexts(store, partition, { a: '1' });
    refused(await store.commit(partition, change({ checks: [{ key: 'a', rev: 'another' }], ...put('a', 'x') })), 'a');
    refused(await store.commit(partition, change({ checks: [{ key: 'a', rev: null }], ...put('a', 'x') })), 'a');
    assert.deepEqual(await texts(other, partition, 'a'), ['1']);
    applied(await other.commit(partition, change({ checks: [{ key: 'a', rev }], ...put('a', '2') })));
    refused(await store.commit(partition, change({ checks: [{ key: 'a', rev }], ...put('a', 'x') })), 'a');
    assert.deepEqual(await texts(store, partition, 'a'), ['2']);
  });

  add('C2 a check for absence holds for what is absent or deleted', async ({ store, partition }) => {
    applied(await store.commit(partition, change({ checks: [{ key: 'a', rev: null }], ...put('a', '1') })));
    refused(await store.commit(partition, change({ checks: [{ key: 'a', rev: null }], ...put('a', '2') })), 'a');
    applied(await store.commit(partition, change({ deletes: ['a'] })));
    applied(await store.commit(partition, change({ checks: [{ key: 'a', rev: null }], ...put('a', '3') })));
  });

  add('a check of a revision fails for what is absent', async ({ store, partition }) => {
    refused(await store.commit(partition, change({ checks: [{ key: 'a', rev: 'any' }], ...put('a', '1') })), 'a');
    assert.deepEqual(await texts(store, partition, 'a'), [undefined]);
  });

  add('the checks of keys that are not written hold or fail just so', async ({ store, partition }) => {
    const rev = await putTexts(store, partition, { a: '1' });
    const guards = [
      { key: 'a', rev },
      { key: 'none', rev: null },
    ];
    applied(await store.commit(partition, change({ checks: guards, ...put('b', '2') })));
    await putTexts(store, partition, { none: 'here now' });
    refused(await store.commit(partition, change({ checks: guards, ...put('b', '3') })), 'none');
    assert.deepEqual(await texts(store, partition, 'b'), ['2']);
  });

  add('all checks must hold, wherever the failing one stands', async ({ store, partition }) => {
    const rev = await putTexts(store, partition, { a: '1', b: '1', c: '1' });
    for (const failing of ['a', 'b', 'c']) {
      const guards = ['a', 'b', 'c'].map((key) => ({ key, rev: key === failing ? 'another' : rev }));
      const puts = ['a', 'b', 'c'].map((key) => ({ key, value: bytes('2') }));
      refused(await store.commit(partition, change({ checks: guards, puts })), failing);
      assert.deepEqual(await texts(store, partition, 'a', 'b', 'c'), ['1', '1', '1']);
    }
  });

  add('checks are judged on the state before the commit, not on its own writes', async ({ store, partition }) => {
    const rev = await putTexts(store, partition, { a: '1' });
    const commit = change({ checks: [{ key: 'a', rev }], ...put('b', '2'), deletes: ['a'] });
    applied(await store.commit(partition, commit));
    refused(await store.commit(partition, change({ checks: [{ key: 'a', rev }] })), 'a');
    const again = change({ checks: [{ key: 'b', rev: commit.id }], deletes: ['b'] });
    applied(await store.commit(partition, again));
    assert.deepEqual(await texts(store, partition, 'a', 'b'), [undefined, undefined]);
  });

  add('a check of an appended key sees the revision of its commit', async ({ store, partition }) => {
    const commit = change({ appends: [bytes('x')] });
    applied(await store.commit(partition, commit));
    const key = 'q/0000000000000001';
    refused(await store.commit(partition, change({ checks: [{ key, rev: null }] })), key);
    applied(await store.commit(partition, change({ checks: [{ key, rev: commit.id }], deletes: [key] })));
  });

  add('a commit of checks alone says whether they hold', async ({ store, partition }) => {
    const rev = await putTexts(store, partition, { a: '1' });
    assert.deepEqual(await store.commit(partition, change({ checks: [{ key: 'a', rev }] })), { ok: true });
    refused(await store.commit(partition, change({ checks: [{ key: 'a', rev: null }] })), 'a');
  });

  add('seqIs is a check named #seq', async ({ store, other, partition }) => {
    applied(await store.commit(partition, change({ seqIs: 0, appends: [bytes('1'), bytes('2')] })));
    refused(await other.commit(partition, change({ seqIs: 1, ...put('a', 'x'), due: { in: 0 } })), '#seq');
    refused(await other.commit(partition, change({ seqIs: 0 })), '#seq');
    const snapshot = await store.get(partition, ['a']);
    assert.deepEqual([snapshot.seq, snapshot.dueIn, snapshot.entries[0]], [2, null, undefined]);
    assert.deepEqual(await store.commit(partition, change({ seqIs: 2, appends: [bytes('3')] })), { ok: true, seq: 3 });
  });

  add('C6 the identical commit sent again is refused and changes nothing', async ({ store, other, partition }) => {
    const commit = change({
      checks: [{ key: 'w/1', rev: null }],
      puts: [{ key: 'w/1', value: bytes('mine') }],
      appends: [bytes('once')],
      due: { ifNullIn: 60_000 },
    });
    assert.deepEqual(await store.commit(partition, commit), { ok: true, seq: 1 });
    for (const again of [store, other]) refused(await again.commit(partition, commit), 'w/1');
    const snapshot = await store.get(partition, ['w/1', 'q/0000000000000002']);
    assert.deepEqual([snapshot.seq, snapshot.entries[0]?.rev, snapshot.entries[1]], [1, commit.id, undefined]);
  });

  add(
    'C6 a commit without checks sent again is applied again, under the same revision',
    async ({ store, partition }) => {
      const commit = change(put('a', 'same'));
      applied(await store.commit(partition, commit));
      applied(await store.commit(partition, commit));
      assert.equal((await store.get(partition, ['a'])).entries[0]?.rev, commit.id);
    },
  );
};
