import assert from 'node:assert/strict';
import { StoreError } from '@motion-ts/core/store';
import { applied, bytes, change, type Group, putTexts, rejects, settles, texts } from './suite.js';

export const close: Group = (add, terms) => {
  add('C12 may be closed twice, and at once', async ({ open }) => {
    const store = await open();
    await settles('close', Promise.all([store.close(), store.close()]), terms.patienceMs);
    await settles('a later close', store.close(), terms.patienceMs);
  });

  add('C12 may be closed before anything else was called', async ({ open }) => {
    await settles('close', (await open()).close(), terms.patienceMs);
  });

  add('C12 every method rejects with closed afterwards', async ({ open, partition }) => {
    const store = await open();
    await putTexts(store, partition, { a: '1' });
    await store.close();
    await rejects(store.get(partition, ['a']), 'closed');
    await rejects(store.get(partition, ['a'], { known: ['x'] }), 'closed');
    await rejects(store.list(partition, { prefix: '', limit: 1 }), 'closed');
    await rejects(store.commit(partition, change({})), 'closed');
    await rejects(store.scan({ due: true }), 'closed');
    await rejects(store.scan({ prefix: '' }), 'closed');
    await rejects(store.cacheGet(partition, 'a'), 'closed');
    await rejects(store.cacheSet(partition, 'a', bytes('1'), 1000), 'closed');
    await rejects(store.cacheClear(partition), 'closed');
  });

  add('C12 every method rejects with closed as soon as close was called', async ({ open, partition }) => {
    const store = await open();
    await putTexts(store, partition, { a: '1' });
    const closing = store.close();
    const calls = [
      store.get(partition, ['a']),
      store.commit(partition, change({})),
      store.list(partition, { prefix: '', limit: 1 }),
      store.scan({ due: true }),
      store.cacheGet(partition, 'a'),
    ];
    await Promise.all(calls.map((call) => rejects(call, 'closed')));
    await settles('close', closing, terms.patienceMs);
  });

  add('C12 calls under way settle, and close waits for them', async ({ open, partition }) => {
    const store = await open();
    const settled: string[] = [];
    const calls = [
      ...Array.from({ length: 10 }, () => store.commit(partition, change({ appends: [bytes('x')] }))),
      store.get(partition, ['a']),
      store.list(partition, { prefix: '', limit: 5 }),
      store.scan({ prefix: partition }),
      store.cacheSet(partition, 'a', bytes('1'), 1000),
    ].map((call) => call.then(() => settled.push('ok')).catch((error) => settled.push(error.code)));
    await settles('close', store.close(), terms.patienceMs);
    await settles('the calls', Promise.all(calls), terms.patienceMs);
    assert.equal(settled.length, calls.length);
    for (const outcome of settled) assert.ok(['ok', 'closed', 'unknown'].includes(outcome), `settled as ${outcome}`);
  });

  add(
    'C12 what was acknowledged is there for others, who go on',
    async ({ open, other, partition }) => {
      const store = await open();
      const commits = Array.from({ length: 10 }, (_, i) => change({ puts: [{ key: `k${i}`, value: bytes('v') }] }));
      const outcomes = commits.map((commit) =>
        store.commit(partition, commit).then(
          () => true,
          () => false,
        ),
      );
      await store.close();
      const acknowledged = await Promise.all(outcomes);
      const values = await texts(other, partition, ...commits.map((_, i) => `k${i}`));
      for (const [i, ok] of acknowledged.entries()) if (ok) assert.equal(values[i], 'v', `k${i} was lost`);
      applied(await other.commit(partition, change({ puts: [{ key: 'more', value: bytes('1') }] })));
    },
    'sharedNamespace',
  );

  add(
    'C12 a closed store tells its listeners nothing more',
    async ({ open, other, partition }) => {
      const store = await open();
      let told = 0;
      const stop = store.watch?.(() => told++);
      await putTexts(store, partition, { a: '1' });
      await store.close();
      const before = told;
      for (let i = 0; i < 5; i++) await putTexts(other, partition, { a: String(i) });
      assert.ok(told <= before + 1, `told ${told - before} times more`);
      stop?.();
    },
    'watch',
  );

  add(
    'C12 watch throws closed afterwards',
    async ({ open, partition }) => {
      const store = await open();
      await putTexts(store, partition, { a: '1' });
      await store.close();
      assert.throws(
        () => store.watch?.(() => {}),
        (error: unknown) => StoreError.is(error, 'closed'),
        'watch of a closed store does not throw closed',
      );
    },
    'watch',
  );
};
