import assert from 'node:assert/strict';
import { fresh, type Group, putTexts, texts } from './suite.js';

/** The author's own `open` is tested first: everything else stands on it. */
export const factory: Group = (add, terms) => {
  add(
    'two opens of one namespace share data',
    async ({ store, other, partition }) => {
      assert.notEqual(store, other, 'open gave the same object twice; declare sharedNamespace: false');
      await putTexts(store, partition, { a: 'from one' });
      assert.deepEqual(await texts(other, partition, 'a'), ['from one']);
      await putTexts(other, partition, { a: 'from the other' });
      assert.deepEqual(await texts(store, partition, 'a'), ['from the other']);
    },
    'sharedNamespace',
  );

  add('two namespaces share nothing', async ({ store, partition, open }) => {
    const elsewhere = await open(fresh('elsewhere'));
    await putTexts(store, partition, { a: 'here' });
    assert.deepEqual(await texts(elsewhere, partition, 'a'), [undefined]);
    assert.deepEqual(await elsewhere.scan({ prefix: partition }), { partitions: [] });
  });

  add('limits are whole numbers that fit each other', async ({ store }) => {
    const { valueBytes, commitBytes, commitOps, getKeys, getBytes } = store.limits;
    for (const [name, limit] of Object.entries({ valueBytes, commitBytes, commitOps, getKeys, getBytes }))
      assert.ok(Number.isSafeInteger(limit) && limit > 0, `${name} is ${limit}`);
    assert.ok(commitBytes > valueBytes, 'one value and its key must fit a commit');
    assert.ok(getBytes >= valueBytes, 'one value must fit a get');
    assert.ok(commitOps >= 10 && getKeys >= 10, 'core needs a few operations a commit');
  });

  add('has watch exactly if it declares so', async ({ store }) => {
    assert.equal(store.watch !== undefined, terms.watch);
  });
};
