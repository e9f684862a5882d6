import assert from 'node:assert/strict';
import { Motion } from '@motion-ts/core';
import { pause } from '../conformance/suite.js';
import { errorOf, eventually, rejects } from './checks.js';
import { Journal, openJournal } from './journal.js';
import type { Group } from './suite.js';

export const closing: Group = (add) => {
  add('after it all is CLOSED; twice is once', async (place) => {
    const { motion, journal } = await openJournal(place);
    await Promise.all([motion.close(), motion.close(), journal.close(), journal.close()]);
    await motion[Symbol.asyncDispose]();
    await journal[Symbol.asyncDispose]();
    for (const call of [
      () => journal.run('add', { word: 'x' }),
      () => journal.readState(),
      () => journal.version(),
      () => journal.writeState({ count: 1 }),
      () => journal.flushUpdates(),
      () => journal.deadLetters(),
      () => journal.redrive('x'),
      () => journal.discardDeadLetter('x'),
      () => motion.instance(Journal, 'a'),
      () => motion.inspect(Journal, 'a'),
      () => motion.clear(Journal, 'a'),
      async () => motion.worker(),
      async () => motion.register(Journal),
      async () => motion.instances(Journal),
    ])
      await rejects(call(), 'CLOSED');
  });

  add(
    'a serve under way is finished and its updates are queued; who would wait for them gets CLOSED',
    async (place) => {
      const { motion, journal, component } = await openJournal(place);
      const gate = place.gate();
      component.gates.set('x', gate.opened);
      const run = journal.run('held', { word: 'x' });
      const waiting = rejects(journal.run('held', { word: 'x' }, { flushUpdates: true }), 'CLOSED');
      await eventually('both have begun', () => component.tries.length === 2);
      const closed = motion.close();
      await pause(20);
      gate.open();
      assert.deepEqual(await run, [0, 0]);
      await waiting;
      await closed;
      const other = await openJournal(place);
      await other.journal.flushUpdates();
      assert.deepEqual(await other.journal.readState('log'), ['x', 'x']);
    },
  );

  add('who waits for updates gets CLOSED, and they stay queued', async (place) => {
    const { motion, journal, component } = await openJournal(place);
    const off = await openJournal(place, { updates: 'off' });
    const gate = place.gate();
    component.gates.set('held', gate.opened);
    await journal.run('add', { word: 'held' });
    await eventually('the update runs', () => component.tries.includes('held'));
    const waits = [
      rejects(journal.run('add', { word: 'last' }, { flushUpdates: true }), 'CLOSED'),
      rejects(journal.writeState({ draft: 'd' }), 'CLOSED'),
    ];
    await eventually('all is queued', async () => (await off.motion.inspect(Journal, 'a')).queued === 3);
    waits.push(rejects(journal.flushUpdates(), 'CLOSED'));
    const closed = motion.close();
    await pause(20);
    gate.open();
    await closed;
    await Promise.all(waits);
    const other = await openJournal(place);
    await other.journal.flushUpdates();
    const state = await other.journal.readState();
    assert.deepEqual([...state.log].sort(), ['held', 'last']);
    assert.deepEqual([state.count, state.draft], [2, 'd']);
  });

  add('of one handle leaves the others open, and the updates running', async (place) => {
    const { motion, journal } = await openJournal(place);
    const second = await motion.instance(Journal, 'a');
    await journal.run('add', { word: 'x' });
    await journal.close();
    await rejects(journal.readState(), 'CLOSED', /Journal\/a/);
    await second.flushUpdates();
    assert.deepEqual(await second.readState('log'), ['x']);
  });

  add('with closeStore: false the store stays open for others', async (place) => {
    const store = await place.store();
    const options = { store, closeStore: false, logger: { debug() {}, warn() {}, error() {} } };
    for (const n of [1, 2]) {
      const motion = new Motion(options);
      const journal = await motion.instance(Journal, 'a');
      await journal.run('add', { word: 'x' }, { flushUpdates: true });
      assert.equal(await journal.readState('count'), n);
      await motion.close();
    }
    assert.equal((await store.scan({ prefix: 'Journal/' })).partitions.length, 1);
  });

  add('an instance that is being opened meanwhile ends with a typed error, or opened before', async (place) => {
    const motion = await place.motion();
    const opening = errorOf(motion.instance(Journal, 'a').then((journal) => journal.readState()));
    await motion.close();
    assert.match(String(((await opening) as { code?: string }).code), /^closed$/i);
  });
};
