import assert from 'node:assert/strict';
import { appendKey } from '@motion-ts/core/store';
import { applied, bytes, change, entriesOf, type Group, text, texts, turn } from './suite.js';

function upTo(seq: number): string[] {
  return Array.from({ length: seq }, (_, i) => appendKey(i + 1));
}

export const appends: Group = (add) => {
  add('C5 appends are numbered from 1, dense and in order', async ({ store, other, partition }) => {
    const two = change({ appends: [bytes('u1'), bytes('u2')] });
    assert.deepEqual(await store.commit(partition, two), { ok: true, seq: 2 });
    const three = change({ appends: [bytes('u3')] });
    assert.deepEqual(await other.commit(partition, three), { ok: true, seq: 3 });
    const snapshot = await store.get(partition, [1, 2, 3, 4].map(appendKey));
    assert.equal(snapshot.seq, 3);
    assert.deepEqual(
      snapshot.entries.map((entry) => text(entry?.value)),
      ['u1', 'u2', 'u3', undefined],
    );
    assert.deepEqual(
      snapshot.entries.map((entry) => entry?.rev),
      [two.id, two.id, three.id, undefined],
    );
  });

  add('the result has a seq if and only if there were appends', async ({ store, partition }) => {
    assert.deepEqual(await store.commit(partition, change({ appends: [bytes('x')] })), { ok: true, seq: 1 });
    assert.deepEqual(await store.commit(partition, change({ appends: [] })), { ok: true });
    assert.deepEqual(await store.commit(partition, change({ due: { in: null } })), { ok: true });
  });

  add('C5 deleting appended values makes no gap and reuses no number', async ({ store, partition }) => {
    applied(await store.commit(partition, change({ appends: [bytes('1'), bytes('2'), bytes('3')] })));
    applied(await store.commit(partition, change({ deletes: [1, 2, 3].map(appendKey) })));
    assert.deepEqual(await store.commit(partition, change({ appends: [bytes('4')] })), { ok: true, seq: 4 });
    const snapshot = await store.get(partition, [3, 4].map(appendKey));
    assert.deepEqual([snapshot.seq, snapshot.entries[0], text(snapshot.entries[1]?.value)], [4, undefined, '4']);
  });

  add('one commit may append and delete what was appended before', async ({ store, partition }) => {
    applied(await store.commit(partition, change({ appends: [bytes('1')] })));
    const result = await store.commit(partition, change({ appends: [bytes('2')], deletes: [appendKey(1)] }));
    assert.deepEqual(result, { ok: true, seq: 2 });
    assert.deepEqual(await texts(store, partition, appendKey(1), appendKey(2)), [undefined, '2']);
  });

  add('puts alone do not count', async ({ store, partition }) => {
    applied(await store.commit(partition, change({ puts: [{ key: 'a', value: bytes('1') }] })));
    assert.equal((await store.get(partition, [])).seq, 0);
    assert.deepEqual(await store.commit(partition, change({ appends: [bytes('x')] })), { ok: true, seq: 1 });
  });

  add('C5 appends of one commit stay together and in order beyond ten', async ({ store, partition }) => {
    const count = Math.min(store.limits.commitOps, store.limits.getKeys, 40);
    const values = Array.from({ length: count }, (_, i) => `v${i}`);
    const result = await store.commit(partition, change({ appends: values.map(bytes) }));
    assert.deepEqual(result, { ok: true, seq: count });
    assert.deepEqual(await texts(store, partition, ...values.map((_, i) => appendKey(i + 1))), values);
  });

  add('C5 whoever sees a value can see all below it', async ({ store, other, partition }) => {
    const writers = [store, other, store].map(async (client, w) => {
      for (let i = 0; i < 8; i++)
        applied(await client.commit(partition, change({ appends: [bytes(`${w}.${i}`), bytes(`${w}.${i}'`)] })));
    });
    let writing = true;
    const written = Promise.all(writers).finally(() => {
      writing = false;
    });
    const look = async (): Promise<void> => {
      while (writing) {
        await turn();
        const newest = (await entriesOf(other, partition, 'q/')).at(-1)?.key ?? 'q/0';
        const seen = Number(newest.slice(2));
        const { seq, entries } = await store.get(partition, upTo(Math.min(seen, store.limits.getKeys)));
        assert.ok(seq >= seen, `value ${seen} is listed, but seq is ${seq}`);
        assert.ok(
          entries.every((entry) => entry !== undefined),
          `value ${seen} is listed, but one below is not there`,
        );
      }
    };
    await Promise.all([written, look()]);
    assert.equal((await store.get(partition, [])).seq, 48);
  });

  add('C5 of two clients that append by turns, each gets the next numbers', async ({ store, other, partition }) => {
    for (let i = 1; i <= 20; i++) {
      const client = i % 3 === 0 ? other : store;
      assert.deepEqual(await client.commit(partition, change({ appends: [bytes(String(i))] })), { ok: true, seq: i });
    }
    const all = await entriesOf(other, partition, 'q/');
    assert.deepEqual(
      all.map(({ key, value }) => [key, text(value)]),
      upTo(20).map((key, i) => [key, String(i + 1)]),
    );
  });
};
