import assert from 'node:assert/strict';
import { MotionError } from '@motion-ts/core';
import { pause } from '../conformance/suite.js';
import { all, entriesOf, eventually, failsBy, rejects, times, words } from './checks.js';
import { Journal, openJournal } from './journal.js';
import type { Group } from './suite.js';

export const instances: Group = (add) => {
  add('instances lists them all, and what was cleared no more', async (place) => {
    const motion = await place.motion({ updates: 'off' });
    assert.deepEqual(await all(motion.instances(Journal)), []);
    const ids = words(60);
    await Promise.all(ids.map((id) => motion.instance(Journal, id)));
    const other = await place.motion({ updates: 'off' });
    await eventually('all are listed', async () => (await all(other.instances(Journal))).length === 60);
    assert.deepEqual((await all(other.instances(Journal))).sort(), ids.sort());
    await Promise.all(ids.slice(1).map((id) => other.clear(Journal, id)));
    await eventually('one is listed', async () => (await all(motion.instances(Journal))).length === 1);
    assert.deepEqual(await all(motion.instances(Journal)), ids.slice(0, 1));
  });

  add('inspect tells of an instance, and neither opens nor changes it', async (place) => {
    const off = await openJournal(place, { updates: 'off' });
    await rejects(off.motion.inspect(Journal, 'nobody'), 'INSTANCE_GONE', /Journal\/nobody/);
    assert.deepEqual(await off.motion.inspect(Journal, 'a'), {
      id: 'a',
      state: { log: [], count: 0 },
      version: 1,
      queued: 0,
      deadLetters: 0,
      lease: null,
      dueInMs: null,
    });
    for (const word of words(3)) await off.journal.run('pair', { word });
    const queued = await off.motion.inspect(Journal, 'a');
    assert.deepEqual([queued.queued, queued.lease, queued.dueInMs], [6, null, 0]);
    const component = new Journal();
    const gate = place.gate();
    component.gates.set('held', gate.opened);
    await off.journal.run('add', { word: 'held' });
    (await place.motion()).register(Journal, () => component);
    await eventually('the update runs', () => component.tries.includes('held'));
    const { lease } = await off.motion.inspect(Journal, 'a');
    assert.ok(lease && lease.epoch > 0 && lease.holder.length > 0);
    gate.open();
    await off.journal.flushUpdates();
    await off.journal.run('fail', { word: 'x' });
    await failsBy(off.journal.flushUpdates(), /no x/);
    const done = await off.motion.inspect(Journal, 'a');
    assert.deepEqual([done.queued, done.deadLetters, done.dueInMs, done.state.count], [0, 1, null, 1]);
  });

  add('clear removes an instance with all that is of it; made again, it begins anew', async (place) => {
    const { motion, journal, component } = await openJournal(place);
    const store = await place.store();
    const off = await openJournal(place, { updates: 'off' });
    component.broken.add('dead');
    await journal.run('fragile', { word: 'dead' });
    await journal.run('add', { word: 'x'.repeat(1_000_000) }, { idempotencyKey: 'k' });
    await failsBy(journal.flushUpdates(), /broke/);
    const gate = place.gate();
    component.gates.set('held', gate.opened);
    await journal.run('add', { word: 'held' });
    await off.journal.run('add', { word: 'queued' });
    const { partitions } = await store.scan({ prefix: 'Journal/' });
    assert.equal(await off.motion.clear(Journal, 'a'), true);
    assert.equal(await off.motion.clear(Journal, 'a'), false);
    for (const partition of partitions) assert.deepEqual(await entriesOf(store, partition), []);
    await rejects(motion.inspect(Journal, 'a'), 'INSTANCE_GONE');
    gate.open();
    const anew = await (await place.motion()).instance(Journal, 'a', { init: { first: 'new' } });
    await pause(50);
    assert.deepEqual(await anew.readState(), { log: ['new'], count: 0 });
    assert.deepEqual(await anew.deadLetters(), []);
    assert.equal(await anew.version(), 1);
    await anew.run('add', { word: 'y' }, { flushUpdates: true });
    assert.deepEqual(await anew.readState('log'), ['new', 'y']);
  });

  add('who has it open is told INSTANCE_GONE, also when it was made again', async (place) => {
    const [one, two] = [await openJournal(place), await openJournal(place, { updates: 'off' })];
    await two.motion.clear(Journal, 'a');
    const calls = [
      () => one.journal.readState(),
      () => one.journal.version(),
      () => one.journal.run('look'),
      () => one.journal.run('add', { word: 'x' }),
      () => one.journal.writeState({ count: 5 }),
      () => one.journal.flushUpdates(),
    ];
    for (const call of calls) await rejects(call(), 'INSTANCE_GONE', /Journal\/a/);
    const anew = await two.motion.instance(Journal, 'a');
    for (const call of calls) await rejects(call(), 'INSTANCE_GONE', /Journal\/a/);
    assert.deepEqual(await anew.readState(), { log: [], count: 0 });
    const again = await one.motion.instance(Journal, 'a');
    await again.run('add', { word: 'x' }, { flushUpdates: true });
    assert.deepEqual(await anew.readState('log'), ['x']);
  });

  add('who waits for its updates is told', async (place) => {
    const { motion, journal, component } = await openJournal(place);
    const off = await openJournal(place, { updates: 'off' });
    const gate = place.gate();
    component.gates.set('x', gate.opened);
    const waits = [rejects(off.journal.run('add', { word: 'x' }, { flushUpdates: true }), 'INSTANCE_GONE')];
    await eventually('it is queued', async () => (await motion.inspect(Journal, 'a')).queued === 1);
    waits.push(rejects(journal.flushUpdates(), 'INSTANCE_GONE'), rejects(off.journal.flushUpdates(), 'INSTANCE_GONE'));
    await eventually('it runs', () => component.tries.includes('x'));
    await pause(20);
    await motion.clear(Journal, 'a');
    gate.open();
    await Promise.all(waits);
  });

  add('cleared under load, by several at once: no call fails in another way, and lives do not mix', async (place) => {
    const opened = await Promise.all(times(2, () => openJournal(place)));
    let over = false;
    const writing = opened.map(async ({ motion }, m) => {
      for (let n = 0; !over; n++)
        try {
          const journal = await motion.instance(Journal, 'a', { init: { first: `born ${m}.${n}` } });
          await journal.run('add', { word: `${m}.${n}` }, { flushUpdates: n % 2 === 0 });
        } catch (error) {
          if (!MotionError.is(error, 'INSTANCE_GONE')) throw error;
        }
    });
    for (const _ of words(4)) {
      await pause(20);
      await Promise.all(opened.map(({ motion }) => motion.clear(Journal, 'a')));
    }
    over = true;
    await Promise.all(writing);
    const last = (await openJournal(place)).journal;
    await last.flushUpdates();
    const { log, count } = await last.readState();
    assert.equal(new Set(log).size, log.length);
    assert.equal(log.filter((word) => word.startsWith('born')).length, log.length - count);
    assert.ok(log.length - count <= 1, `one life has the log of several: ${log.join()}`);
    await last.run('add', { word: 'last' }, { flushUpdates: true });
    assert.equal((await last.readState('log')).at(-1), 'last');
  });
};
