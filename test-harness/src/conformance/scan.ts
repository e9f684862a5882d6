import assert from 'node:assert/strict';
import { type ScanQuery, type Store, shardOf } from '@motion-ts/core/store';
import { applied, bytes, change, eventually, fresh, type Group, putTexts, scanAll } from './suite.js';

export const scan: Group = (add, terms) => {
  const withinMs = terms.scanLagMs + terms.patienceMs;
  /** A scan may lag, so what it must show is waited for. */
  const shows = (store: Store, query: ScanQuery, partition: string): Promise<void> =>
    eventually(
      `scan of ${JSON.stringify(query)} shows ${partition}`,
      async () => (await scanAll(store, query)).includes(partition),
      withinMs,
    );
  const hides = (store: Store, query: ScanQuery, partition: string): Promise<void> =>
    eventually(
      `scan of ${JSON.stringify(query)} hides ${partition}`,
      async () => !(await scanAll(store, query)).includes(partition),
      withinMs,
    );
  const setDue = async (store: Store, partition: string, ms: number | null): Promise<void> =>
    applied(await store.commit(partition, change({ due: { in: ms } })));

  add('due lists what is due, and not what is not yet or no more', async ({ store, other, partition }) => {
    await setDue(store, partition, -1000);
    await shows(other, { due: true }, partition);
    await setDue(other, partition, 600_000);
    await hides(store, { due: true }, partition);
    await setDue(store, partition, 0);
    await shows(other, { due: true }, partition);
    await setDue(store, partition, null);
    await hides(other, { due: true }, partition);
  });

  add('due lists what an append made due, again and again', async ({ store, other, partition }) => {
    for (let i = 0; i < 5; i++) {
      applied(await store.commit(partition, change({ appends: [bytes('x')], due: { ifNullIn: 0 } })));
      await shows(other, { due: true }, partition);
      await setDue(other, partition, null);
      if (i % 2 === 0) await hides(store, { due: true }, partition);
    }
  });

  add('due lists what becomes due by the passing of time', async ({ store, partition }) => {
    await setDue(store, partition, 600_000);
    await hides(store, { due: true }, partition);
    await setDue(store, partition, 50);
    await shows(store, { due: true }, partition);
  });

  add('due lists the most overdue first', async ({ store, partition }) => {
    const names = [3, 1, 4, 2].map((n) => `${partition}.${n}`);
    for (const name of names) await setDue(store, name, -1000 * 3600 * Number(name.at(-1)));
    for (const name of names) await shows(store, { due: true }, name);
    const ours = (await scanAll(store, { due: true })).filter((name) => name.startsWith(`${partition}.`));
    assert.deepEqual(
      [...new Set(ours)],
      [4, 3, 2, 1].map((n) => `${partition}.${n}`),
    );
  });

  add('due with a shard lists the partitions of that shard and no other', async ({ store, partition }) => {
    const names = Array.from({ length: 12 }, (_, i) => `${partition}.${i}`);
    for (const name of names) await setDue(store, name, -1000);
    for (const name of names) await shows(store, { due: true }, name);
    const of = 3;
    for (let index = 0; index < of; index++) {
      const query: ScanQuery = { due: true, shard: [index, of] };
      for (const name of names) if (shardOf(name, of) === index) await shows(store, query, name);
      for (const name of await scanAll(store, query)) assert.equal(shardOf(name, of), index);
    }
  });

  add('a prefix lists what ever had appends or a due, and nothing else', async ({ store, other, partition }) => {
    applied(await store.commit(`${partition}.append`, change({ appends: [bytes('x')] })));
    await setDue(store, `${partition}.due`, 600_000);
    await setDue(store, `${partition}.cleared`, 600_000);
    await setDue(store, `${partition}.cleared`, null);
    await setDue(store, `${partition}.null`, null);
    await putTexts(store, `${partition}.puts`, { a: '1' });
    await setDue(store, `x${partition}`, 600_000);
    for (const name of ['append', 'due', 'cleared', 'null'])
      await shows(other, { prefix: `${partition}.` }, `${partition}.${name}`);
    const listed = new Set(await scanAll(other, { prefix: `${partition}.` }));
    assert.deepEqual(
      [...listed].sort(),
      ['append', 'cleared', 'due', 'null'].map((name) => `${partition}.${name}`),
    );
  });

  add('a prefix is not a pattern', async ({ store }) => {
    const base = fresh('p');
    for (const special of ['%', '_', '*', '?', '[a]', '\\', '{x}', '^', '.']) {
      await setDue(store, `${base}${special}in`, null);
      await setDue(store, `${base}aout`, null);
      await shows(store, { prefix: `${base}${special}` }, `${base}${special}in`);
      assert.deepEqual([...new Set(await scanAll(store, { prefix: `${base}${special}` }))], [`${base}${special}in`]);
    }
  });

  add('a prefix gives all of many partitions, page by page', async ({ store, partition }) => {
    const names = Array.from({ length: 1100 }, (_, i) => `${partition}.${String(i).padStart(4, '0')}`);
    for (let i = 0; i < names.length; i += 50)
      await Promise.all(names.slice(i, i + 50).map((name) => setDue(store, name, -5000)));
    for (const name of [names[0], names.at(-1)]) await shows(store, { prefix: `${partition}.` }, name as string);
    await eventually(
      'all are listed by prefix',
      async () => {
        return new Set(await scanAll(store, { prefix: `${partition}.` })).size === names.length;
      },
      withinMs,
    );
    await eventually(
      'all are listed as due',
      async () => {
        const due = new Set(await scanAll(store, { due: true }));
        return names.every((name) => due.has(name));
      },
      withinMs,
    );
    // What stays so is found, whatever comes and goes between the pages.
    const [gone, come] = [names.filter((_, n) => n % 97 === 0), [`${partition}.0000!`, `${partition}.1050!`]];
    const seen = new Set<string>();
    let cursor: string | undefined;
    do {
      const page = await store.scan({ prefix: `${partition}.` }, cursor);
      for (const name of page.partitions) seen.add(name);
      cursor = page.cursor;
      for (const name of gone.splice(0, 6)) applied(await store.commit(name, change({ drop: true })));
      for (const name of come.splice(0, 1)) await setDue(store, name, null);
    } while (cursor !== undefined);
    const missing = names.filter((name, n) => n % 97 !== 0 && !seen.has(name));
    assert.deepEqual(missing, [], 'a scan missed some that were there all the time');
    for (let i = 0; i < names.length; i += 50)
      await Promise.all(names.slice(i, i + 50).map((name) => setDue(store, name, null)));
  });

  add('an unknown prefix gives nothing', async ({ store }) => {
    assert.deepEqual(await scanAll(store, { prefix: fresh('nobody') }), []);
  });

  add('names that are prefixes of each other stay apart', async ({ store, other, partition }) => {
    const names = ['', '!', '/', '/a', '0', ':', 'a', '~'].map((end) => `${partition}${end}`);
    for (const name of names) await setDue(store, name, -1000);
    for (const name of names) await shows(other, { prefix: name }, name);
    for (const prefix of names) {
      const listed = new Set(await scanAll(other, { prefix }));
      assert.deepEqual(
        [...listed].sort(),
        names.filter((name) => name.startsWith(prefix)),
      );
    }
    applied(await store.commit(partition, change({ drop: true })));
    await hides(other, { prefix: partition }, partition);
    for (const name of names.slice(1)) await shows(other, { due: true }, name);
    for (const name of names.slice(1)) await setDue(store, name, null);
  });
};
