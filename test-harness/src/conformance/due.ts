import assert from 'node:assert/strict';
import type { Store } from '@motion-ts/core/store';
import { applied, bytes, change, type Group, putTexts, refused, rejects, texts } from './suite.js';

export const due: Group = (add) => {
  const near = async (store: Store, partition: string, ms: number): Promise<void> => {
    const { dueIn } = await store.get(partition, []);
    assert.ok(dueIn !== null && Math.abs(dueIn - ms) < 30_000, `dueIn is ${dueIn}, not about ${ms}`);
  };

  add('in sets the due, later or earlier, and null clears it', async ({ store, other, partition }) => {
    for (const ms of [500_000, 900_000, 100_000, 0, -200_000, 300_000]) {
      assert.deepEqual(await store.commit(partition, change({ due: { in: ms } })), { ok: true });
      await near(other, partition, ms);
    }
    applied(await other.commit(partition, change({ due: { in: null } })));
    assert.equal((await store.get(partition, [])).dueIn, null);
  });

  add('ifNullIn sets only a due that is not set at all', async ({ store, partition }) => {
    applied(await store.commit(partition, change({ due: { ifNullIn: 500_000 } })));
    await near(store, partition, 500_000);
    applied(await store.commit(partition, change({ due: { ifNullIn: 100_000 } })));
    await near(store, partition, 500_000);
    applied(await store.commit(partition, change({ due: { in: -100_000 } })));
    applied(await store.commit(partition, change({ due: { ifNullIn: 300_000 } })));
    await near(store, partition, -100_000);
    applied(await store.commit(partition, change({ due: { in: null } })));
    applied(await store.commit(partition, change({ due: { ifNullIn: 300_000 } })));
    await near(store, partition, 300_000);
  });

  add('is overdue when its time has passed', async ({ store, partition }) => {
    applied(await store.commit(partition, change({ due: { in: 0 } })));
    const { dueIn } = await store.get(partition, []);
    assert.ok(dueIn !== null && dueIn <= 1, `dueIn is ${dueIn}`);
  });

  add('C1 is set in the commit that appends, and not by one that is refused', async ({ store, partition }) => {
    await putTexts(store, partition, { a: '1' });
    const failing = change({ checks: [{ key: 'a', rev: null }], appends: [bytes('x')], due: { in: 1000 } });
    refused(await store.commit(partition, failing), 'a');
    assert.deepEqual([(await store.get(partition, [])).seq, (await store.get(partition, [])).dueIn], [0, null]);
    applied(await store.commit(partition, change({ appends: [bytes('x')], due: { ifNullIn: 100_000 } })));
    assert.equal((await store.get(partition, [])).seq, 1);
    await near(store, partition, 100_000);
  });

  add('a commit that says nothing of it leaves the due alone', async ({ store, partition }) => {
    applied(await store.commit(partition, change({ due: { in: 100_000 } })));
    applied(await store.commit(partition, change({ appends: [bytes('x')], puts: [{ key: 'a', value: bytes('1') }] })));
    applied(await store.commit(partition, change({ deletes: ['a'] })));
    await near(store, partition, 100_000);
    assert.equal((await store.get(partition, [])).seq, 1);
  });

  add(
    'may be months away or overdue by months: more than 32 bits of milliseconds',
    async ({ store, other, partition }) => {
      const day = 24 * 3_600_000;
      for (const days of [24, 25, 30, 50, 400, -30, -400]) {
        applied(await store.commit(partition, change({ due: { in: days * day } })));
        await near(other, partition, days * day);
        applied(await store.commit(`${partition}.${days}`, change({ due: { ifNullIn: days * day } })));
        await near(other, `${partition}.${days}`, days * day);
        applied(await store.commit(`${partition}.${days}`, change({ due: { in: null } })));
      }
      applied(await store.commit(partition, change({ due: { in: null } })));
    },
  );

  add('that is no number is invalid, and nothing is written', async ({ store, partition }) => {
    const a = { puts: [{ key: 'a', value: bytes('1') }] };
    for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      await rejects(store.commit(partition, change({ ...a, due: { in: ms } })), 'invalid');
      await rejects(store.commit(partition, change({ ...a, due: { ifNullIn: ms } })), 'invalid');
    }
    assert.deepEqual(await texts(store, partition, 'a'), [undefined]);
    assert.equal((await store.get(partition, [])).dueIn, null);
  });
};
