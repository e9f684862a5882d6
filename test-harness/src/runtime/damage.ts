import assert from 'node:assert/strict';
import type { Store } from '@motion-ts/core/store';
import { fresh } from '../conformance/suite.js';
import { all, entriesOf, rejects, words } from './checks.js';
import { Journal, openJournal } from './journal.js';
import type { Group } from './suite.js';

const JUNK = new TextEncoder().encode('{"written":"by something else"}');
const PARTITION = 'Journal/a';

/** Overwrites an entry, or deletes it. */
async function damage(store: Store, partition: string, key: string, value: Uint8Array | null): Promise<void> {
  const change = value ? { puts: [{ key, value }] } : { deletes: [key] };
  assert.equal((await store.commit(partition, { id: fresh('d'), ...change })).ok, true);
}

async function contentOf(store: Store, partition: string): Promise<string> {
  const entries = await entriesOf(store, partition);
  return JSON.stringify(entries.map(({ key, value }) => [key, Buffer.from(value).toString('base64')]));
}

export const damages: Group = (add) => {
  for (const [what, key, value] of [
    ['another’s init', 'init', JUNK],
    ['no init', 'init', null],
    ['another’s root', 'root', JUNK],
    ['no root', 'root', null],
    ['another’s dir', 'dir', JUNK],
    ['another’s value', 's/log', JUNK],
    ['no value', 's/log', null],
    ['an empty value', 's/log', new Uint8Array()],
  ] as const)
    add(
      `${what} is CORRUPT at every door; nothing is overwritten, and no other instance is the worse`,
      async (place) => {
        const store = await place.store();
        const first = await openJournal(place);
        await first.journal.run('add', { word: 'x' }, { flushUpdates: true });
        await first.motion.close();
        await damage(store, PARTITION, key, value);
        const before = await contentOf(store, PARTITION);
        const motion = await place.motion();
        await rejects(motion.instance(Journal, 'a'), 'CORRUPT', /Journal\/a/);
        await rejects(motion.instance(Journal, 'a', { existing: true }), 'CORRUPT', /Journal\/a/);
        await rejects(motion.inspect(Journal, 'a'), 'CORRUPT', /Journal\/a/);
        const other = await motion.instance(Journal, 'b');
        await other.run('add', { word: 'x' }, { flushUpdates: true });
        assert.equal(await contentOf(store, PARTITION), before);
        assert.equal(await motion.clear(Journal, 'a'), true);
        const anew = await motion.instance(Journal, 'a');
        await anew.run('add', { word: 'new' }, { flushUpdates: true });
        assert.deepEqual(await anew.readState(), { log: ['new'], count: 1 });
      },
    );

  add(
    'a queued call that is gone: who waits is told, nothing behind it runs, and the state can be read',
    async (place) => {
      const off = await openJournal(place, { updates: 'off' });
      for (const word of words(2)) await off.journal.run('add', { word });
      await damage(await place.store(), PARTITION, 'q/0000000000000001', null);
      const { journal } = await openJournal(place);
      await rejects(journal.flushUpdates(), 'CORRUPT', /Journal\/a/);
      assert.deepEqual(await journal.readState(), { log: [], count: 0 });
      assert.deepEqual(await journal.run('look'), []);
    },
  );

  add('another’s entries beside ours, and another’s partitions, do not disturb', async (place) => {
    const store = await place.store();
    const { journal, motion } = await openJournal(place);
    for (const key of ['x', 's/other', 'zz', 'i/x', 'w/x', 'b/x']) await damage(store, PARTITION, key, JUNK);
    for (const partition of ['Journal', '/', 'Journal/', '%', 'Other/x', '{x}'])
      await store.commit(partition, { id: fresh('f'), appends: [JUNK], due: { in: 0 } });
    for (const word of words(3)) await journal.run('add', { word }, { flushUpdates: true });
    const other = await openJournal(place);
    assert.deepEqual(await other.journal.readState(), { log: words(3), count: 3 });
    assert.ok((await all(motion.instances(Journal))).includes('a'));
  });
};
