import assert from 'node:assert/strict';
import type { Commit, CommitResult } from '@motion-ts/core/store';
import { applied, bytes, change, type Group, putTexts, refused, rejects, texts } from './suite.js';

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

  add('a seqIs that is no whole number is invalid, and nothing is written', async ({ store, partition }) => {
    for (const seqIs of [1.5, Number.NaN, Number.POSITIVE_INFINITY])
      await rejects(store.commit(partition, change({ seqIs, ...put('a', 'x') })), 'invalid');
    assert.deepEqual(await texts(store, partition, 'a'), [undefined]);
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

  add('C2 no revision comes back: the same value put again is another entry to a check', async (fixture) => {
    const { store, other, partition } = fixture;
    const first = await putTexts(store, partition, { a: 'same' });
    const second = await putTexts(other, partition, { a: 'same' });
    assert.notEqual((await store.get(partition, ['a'])).entries[0]?.rev, first);
    refused(await store.commit(partition, change({ checks: [{ key: 'a', rev: first }], ...put('b', 'x') })), 'a');
    applied(await store.commit(partition, change({ deletes: ['a'] })));
    const third = await putTexts(store, partition, { a: 'same' });
    for (const rev of [first, second])
      refused(await other.commit(partition, change({ checks: [{ key: 'a', rev }], ...put('b', 'x') })), 'a');
    applied(await other.commit(partition, change({ checks: [{ key: 'a', rev: third }], ...put('b', '1') })));
  });

  add('C6 a conflict is a value and no error, and names only checks that failed', async ({ store, partition }) => {
    const rev = await putTexts(store, partition, { a: '1', b: '1' });
    const conflicts = [
      { checks: [{ key: 'a', rev: null }], failing: ['a'] },
      { checks: [{ key: 'none', rev: 'any' }], failing: ['none'] },
      {
        checks: [
          { key: 'a', rev: 'other' },
          { key: 'b', rev },
        ],
        failing: ['a'],
      },
      {
        checks: [
          { key: 'a', rev: 'other' },
          { key: 'b', rev: null },
        ],
        failing: ['a', 'b'],
      },
      { checks: [{ key: 'a', rev }], seqIs: 5, failing: ['#seq'] },
      { checks: [{ key: 'a', rev: null }], seqIs: 5, failing: ['a', '#seq'] },
    ];
    for (const { failing, ...guards } of conflicts)
      for (const rest of [put('c', 'x'), { appends: [bytes('x')] }, { deletes: ['a'] }, { due: { in: 0 } }, {}]) {
        const outcome = await store.commit(partition, change({ ...guards, ...rest })).catch((error: unknown) => error);
        assert.ok(!(outcome instanceof Error), `a conflict rejected: ${outcome}`);
        const result = outcome as CommitResult;
        assert.ok(!result.ok, 'the commit was applied although a check of it fails');
        assert.ok(result.failed.length > 0, 'failed is empty');
        for (const key of result.failed) assert.ok(failing.includes(key), `failed names ${key}, whose check holds`);
      }
    assert.deepEqual(await texts(store, partition, 'a', 'b', 'c'), ['1', '1', undefined]);
  });

  add('two checks of one key must both hold', async ({ store, partition }) => {
    const rev = await putTexts(store, partition, { a: '1' });
    for (const second of ['another', null]) {
      const checks = [
        { key: 'a', rev },
        { key: 'a', rev: second },
      ];
      refused(await store.commit(partition, change({ checks, ...put('a', '2') })), 'a');
      refused(await store.commit(partition, change({ checks: checks.reverse(), ...put('a', '2') })), 'a');
    }
    const same = [
      { key: 'a', rev },
      { key: 'a', rev },
    ];
    applied(await store.commit(partition, change({ checks: same, ...put('a', '2') })));
    assert.deepEqual(await texts(store, partition, 'a'), ['2']);
  });

  add('seqIs may be any whole number, far beyond 32 bits', async ({ store, partition }) => {
    for (const seqIs of [-1, 2 ** 31, 2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER])
      refused(await store.commit(partition, change({ seqIs, ...put('a', 'x') })), '#seq');
    applied(await store.commit(partition, change({ seqIs: 0, appends: [bytes('1')] })));
    for (const seqIs of [2 ** 32 + 1, 2 ** 53 - 1, 0])
      refused(await store.commit(partition, change({ seqIs, ...put('a', 'x') })), '#seq');
    applied(await store.commit(partition, change({ seqIs: 1, ...put('a', '1') })));
  });

  add('a commit may check, put and delete the keys next to those that it appends', async ({ store, partition }) => {
    const next = (seq: number): string => `q/${String(seq).padStart(16, '0')}`;
    const checks = [{ key: next(1), rev: null }];
    assert.deepEqual(await store.commit(partition, change({ checks, appends: [bytes('1')] })), { ok: true, seq: 1 });
    refused(await store.commit(partition, change({ checks, appends: [bytes('x')] })), next(1));
    const beside = {
      puts: [
        { key: 'q', value: bytes('q') },
        { key: 'q0', value: bytes('q0') },
      ],
      deletes: [next(1)],
    };
    assert.deepEqual(await store.commit(partition, change({ ...beside, appends: [bytes('2')] })), { ok: true, seq: 2 });
    assert.deepEqual(await texts(store, partition, 'q', 'q0', next(1), next(2)), ['q', 'q0', undefined, '2']);
  });

  add('C6 the identical commit sent several times at once, by two clients, applies once', async (fixture) => {
    const { store, other, partition } = fixture;
    let rev: string | null = null;
    for (let round = 1; round <= 5; round++) {
      const commit: Commit = change({
        checks: [{ key: 'w', rev }],
        ...put('w', String(round)),
        appends: [bytes('once')],
      });
      const results = await Promise.all([store, other, store, other].map((client) => client.commit(partition, commit)));
      assert.equal(results.filter((result) => result.ok).length, 1, 'it was applied more than once, or never');
      for (const result of results) if (!result.ok) refused(result, 'w');
      assert.equal((await store.get(partition, [])).seq, round);
      rev = commit.id;
    }
  });
};
