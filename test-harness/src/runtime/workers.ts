import assert from 'node:assert/strict';
import { Component, type Instance, Update } from '@motion-ts/core';
import { shardOf } from '@motion-ts/core/store';
import { pause } from '../conformance/suite.js';
import { eventually, rejects, times, words } from './checks.js';
import { decorate, Journal, openJournal } from './journal.js';
import { HintsAlone, withoutHints } from './lines.js';
import type { Group } from './suite.js';

class Second extends Component<{ state: { n?: number }; flows: { go: Record<never, never> } }> {
  go(): object {
    return { n: 1 };
  }
}
decorate(Second, { go: Update('go') });

async function countOf(journals: readonly Instance<Journal>[]): Promise<number> {
  const counts = await Promise.all(journals.map((journal) => journal.readState('count')));
  return counts.reduce((sum, count) => sum + count, 0);
}

export const workers: Group = (add, supports) => {
  add('with updates off calls are only queued; a worker elsewhere runs them, until it is closed', async (place) => {
    const { journal } = await openJournal(place, { updates: 'off' });
    await journal.run('add', { word: 'x' });
    await pause(50);
    assert.equal(await journal.readState('count'), 0);
    const worker = (await place.motion({ updates: 'off' })).register(Journal).worker();
    await journal.flushUpdates();
    await journal.run('add', { word: 'y' }, { flushUpdates: true });
    assert.deepEqual(await journal.readState('log'), ['x', 'y']);
    await Promise.all([worker.close(), worker.close()]);
    await worker[Symbol.asyncDispose]();
    await journal.run('add', { word: 'z' });
    await pause(50);
    assert.equal(await journal.readState('count'), 2);
  });

  add('a worker of the Motion that calls', async (place) => {
    const { motion, journal } = await openJournal(place, { updates: 'off' });
    const worker = motion.worker();
    await journal.run('add', { word: 'x' }, { flushUpdates: true });
    assert.equal(await journal.readState('count'), 1);
    await worker.close();
  });

  add('a Motion runs what others queued for classes that it registered, unopened', async (place) => {
    const off = await place.motion({ updates: 'off' });
    const journals = await Promise.all(words(5).map((id) => off.instance(Journal, id)));
    await Promise.all(journals.map((journal) => journal.run('add', { word: 'x' })));
    const second = await off.instance(Second, 'a');
    await second.run('go');
    (await place.motion()).register(Journal);
    await Promise.all(journals.map((journal) => journal.flushUpdates()));
    assert.equal(await countOf(journals), 5);
    assert.equal(await second.readState('n'), undefined);
  });

  add('a worker runs the components and the shard that it is for, and no others', async (place) => {
    const off = await place.motion({ updates: 'off' });
    const ids = words(12);
    const journals = await Promise.all(ids.map((id) => off.instance(Journal, id)));
    const second = await off.instance(Second, 'a');
    await Promise.all([second.run('go'), ...journals.map((journal) => journal.run('add', { word: 'x' }))]);
    const isOfFirst = (n: number): boolean => shardOf(`Journal/${ids[n]}`, 2) === 0;
    const [ofFirst, ofSecond] = [true, false].map((first) => journals.filter((_, n) => isOfFirst(n) === first));
    assert.ok(ofFirst?.length && ofSecond?.length);
    const motion = (await place.motion({ updates: 'off' })).register(Journal).register(Second);
    const worker = motion.worker({ components: [Journal], shard: [0, 2] });
    await Promise.all(ofFirst.map((journal) => journal.flushUpdates()));
    await pause(100);
    assert.equal(await countOf(ofFirst), ofFirst.length);
    assert.equal(await countOf(ofSecond), 0);
    motion.worker({ components: [Journal], shard: [1, 2] });
    await Promise.all(ofSecond.map((journal) => journal.flushUpdates()));
    assert.equal(await second.readState('n'), undefined);
    motion.worker({ components: [Second] });
    await second.flushUpdates();
    await worker.close();
  });

  add('a worker runs no more instances at once than it may, and all in the end', async (place) => {
    const off = await place.motion({ updates: 'off' });
    const journals = await Promise.all(words(8).map((id) => off.instance(Journal, id)));
    await Promise.all(journals.flatMap((journal) => words(2).map((word) => journal.run('add', { word }))));
    const component = new Journal();
    for (const word of words(2)) component.gates.set(word, pause(100));
    const motion = (await place.motion({ updates: 'off' })).register(Journal, () => component);
    motion.worker({ concurrency: 2 });
    await Promise.all(journals.map((journal) => journal.flushUpdates()));
    assert.ok(component.mostInAll <= 2, `${component.mostInAll} ran at once`);
    assert.equal(await countOf(journals), 16);
  });

  add('options that cannot be are refused', async (place) => {
    const motion = await place.motion();
    const bad = [{ concurrency: 0 }, { concurrency: '4' }, { shard: [2, 2] }, { shard: [-1, 2] }, { shard: [0] }];
    for (const options of bad)
      assert.throws(() => motion.worker(options as never), { name: 'MotionError', code: 'INVALID_OPTIONS' });
    await rejects(motion.instance(Second, 'a', { existing: true }), 'INSTANCE_GONE');
  });

  add('work is found without hints', async (place) => {
    const off = await openJournal(place, { updates: 'off', through: withoutHints });
    (await place.motion({ through: withoutHints })).register(Journal);
    for (const word of words(2)) await off.journal.run('add', { word }, { flushUpdates: true });
    assert.deepEqual(await off.journal.readState('log'), words(2));
  });

  if (supports.watch)
    add('work is found by hints', async (place) => {
      const off = await openJournal(place, { updates: 'off' });
      const component = new Journal();
      (await place.motion({ through: (store) => new HintsAlone(store) })).register(Journal, () => component);
      // A hint may be missed: one of several is not.
      for (const word of times(100, (n) => `${n}`)) {
        await off.journal.run('add', { word });
        await pause(50);
        if (component.tries.length > 0) break;
      }
      await eventually('a hint was heeded', () => component.tries.length > 0);
    });
};
