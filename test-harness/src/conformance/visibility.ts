import assert from 'node:assert/strict';
import { applied, bytes, change, type Group, putTexts, text } from './suite.js';

export const visibility: Group = (add) => {
  add('C3 what a client committed, another sees at once', async ({ store, other, partition }) => {
    for (let i = 0; i < 20; i++) {
      const [writer, reader] = i % 2 === 0 ? [store, other] : [other, store];
      const rev = await putTexts(writer, partition, { a: `value ${i}` });
      const { entries } = await reader.get(partition, ['a'], { known: ['an-older-one'] });
      assert.deepEqual([entries[0]?.rev, text(entries[0]?.value)], [rev, `value ${i}`]);
    }
  });

  add('C3 a change by another client is seen through known revisions', async ({ store, other, partition }) => {
    let rev = await putTexts(store, partition, { a: 'value 0', b: 'same' });
    for (let i = 1; i < 20; i++) {
      const before = await store.get(partition, ['a'], { known: [rev] });
      assert.equal(before.entries[0]?.rev, rev);
      rev = await putTexts(other, partition, { a: `value ${i}` });
      const after = await store.get(partition, ['a'], { known: [before.entries[0]?.rev] });
      assert.deepEqual([after.entries[0]?.rev, text(after.entries[0]?.value)], [rev, `value ${i}`]);
    }
  });

  add('C3 known revisions hide neither a new seq nor a new due', async ({ store, other, partition }) => {
    const rev = await putTexts(store, partition, { a: 'same' });
    for (let seq = 1; seq < 5; seq++) {
      const writer = seq % 2 === 0 ? store : other;
      applied(await writer.commit(partition, change({ appends: [bytes('x')], due: { in: seq * 100_000 } })));
      const snapshot = await store.get(partition, ['a'], { known: [rev] });
      assert.equal(snapshot.seq, seq);
      assert.ok(Math.abs((snapshot.dueIn ?? 0) - seq * 100_000) < 50_000, `dueIn is ${snapshot.dueIn}`);
    }
  });

  add('C3 an entry that was absent or deleted is seen when it comes or goes', async ({ store, other, partition }) => {
    for (let i = 0; i < 4; i++) {
      assert.deepEqual((await store.get(partition, ['a'], { known: [undefined] })).entries, [undefined]);
      const rev = await putTexts(i % 2 === 0 ? other : store, partition, { a: 'here' });
      assert.equal((await store.get(partition, ['a'], { known: [undefined] })).entries[0]?.rev, rev);
      applied(await (i % 2 === 0 ? store : other).commit(partition, change({ deletes: ['a'] })));
      assert.deepEqual((await store.get(partition, ['a'], { known: [rev] })).entries, [undefined]);
    }
  });

  add('C3 what a client committed, another lists at once', async ({ store, other, partition }) => {
    for (let i = 0; i < 10; i++) {
      const [writer, reader] = i % 2 === 0 ? [store, other] : [other, store];
      const rev = await putTexts(writer, partition, { a: `value ${i}` });
      const [listed] = await reader.list(partition, { prefix: 'a', limit: 1 });
      assert.deepEqual([listed?.rev, text(listed?.value)], [rev, `value ${i}`]);
      applied(await writer.commit(partition, change({ deletes: ['a'] })));
      assert.deepEqual(await reader.list(partition, { prefix: 'a', limit: 1 }), []);
    }
  });
};
