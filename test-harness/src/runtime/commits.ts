import assert from 'node:assert/strict';
import { eventually, failsBy, rejects, times, words } from './checks.js';
import { Journal, openJournal } from './journal.js';
import type { Group } from './suite.js';

export const commits: Group = (add) => {
  add('what run acknowledged is queued for all to see, and outlives its process', async (place) => {
    const off = await openJournal(place, { updates: 'off' });
    const looking = await place.motion({ updates: 'off' });
    for (const [n, word] of words(3).entries()) {
      await off.journal.run('pair', { word });
      assert.equal((await looking.inspect(Journal, 'a')).queued, 2 * (n + 1));
    }
    await off.motion.close();
    assert.equal((await looking.inspect(Journal, 'a')).queued, 6);
    const { journal } = await openJournal(place);
    await journal.flushUpdates();
    assert.deepEqual(
      await journal.readState('log'),
      words(3).flatMap((word) => [`${word}1`, `${word.toUpperCase()}2`]),
    );
    assert.equal((await looking.inspect(Journal, 'a')).queued, 0);
  });

  add('run with flushUpdates: at once seen by another Motion, and by one that starts then', async (place) => {
    const [first, second] = [await openJournal(place), await openJournal(place)];
    for (const [n, word] of words(6).entries()) {
      const { journal } = n % 2 === 0 ? first : second;
      await journal.run('add', { word }, { flushUpdates: true });
      for (const reader of [first, second]) assert.deepEqual(await reader.journal.run('look'), words(n + 1));
    }
    const late = await openJournal(place, { updates: 'off' });
    assert.deepEqual(await late.journal.readState(), { log: words(6), count: 6 });
  });

  add('a state survives the end of all that had it open', async (place) => {
    for (const [n, word] of words(3).entries()) {
      const { motion, journal } = await openJournal(place);
      assert.equal(await journal.readState('count'), n);
      await journal.run('add', { word }, { flushUpdates: true });
      await motion.close();
    }
    const { journal } = await openJournal(place);
    assert.deepEqual(await journal.readState('log'), words(3));
  });

  add(
    'version counts the commits of the state: 1 after InitState, and none for what changes nothing',
    async (place) => {
      const { journal } = await openJournal(place);
      const other = await openJournal(place, { updates: 'off' });
      assert.equal(await journal.version(), 1);
      await journal.run('look');
      await journal.run('make', {}, { flushUpdates: true });
      await journal.writeState({});
      assert.equal(await other.journal.version(), 1);
      await journal.run('add', { word: 'x' }, { flushUpdates: true });
      assert.equal(await other.journal.version(), 2);
      await journal.writeState({ draft: 'd' });
      assert.equal(await journal.version(), 3);
      await failsBy(journal.run('fail', { word: 'y' }, { flushUpdates: true }), /no y/);
      await failsBy(journal.flushUpdates(), /no y/);
      assert.equal(await journal.version(), 3);
      await Promise.all(words(20).map((word) => journal.run('add', { word })));
      await journal.flushUpdates();
      const version = await other.journal.version();
      assert.ok(version > 3 && version <= 23, `20 updates made versions 4 to ${version}`);
    },
  );

  add('flushUpdates waits for all that was queued before it, by anyone', async (place) => {
    const { journal } = await openJournal(place);
    await journal.flushUpdates();
    const off = await openJournal(place, { updates: 'off' });
    await Promise.all(words(15).map((word) => off.journal.run('add', { word })));
    await journal.flushUpdates();
    assert.equal(await journal.readState('count'), 15);
    await Promise.all(words(15).map((word) => journal.run('add', { word })));
    await off.journal.flushUpdates();
    assert.equal(await off.journal.readState('count'), 30);
  });

  add('flushUpdates does not resolve while an update runs', async (place) => {
    const { journal, component } = await openJournal(place);
    const gate = place.gate();
    component.gates.set('x', gate.opened);
    await journal.run('add', { word: 'x' });
    const off = await openJournal(place, { updates: 'off' });
    let flushed = 0;
    const flushes = [journal.flushUpdates(), off.journal.flushUpdates(), off.journal.flushUpdates('add')].map((flush) =>
      flush.then(() => void flushed++),
    );
    await eventually('the update runs', () => component.tries.includes('x'));
    for (const _ of times(3, () => 0)) await off.journal.readState();
    assert.equal(flushed, 0);
    gate.open();
    await Promise.all(flushes);
  });

  add(
    'flushUpdates tells of all failures since the handle’s last one, in the order of the calls, once',
    async (place) => {
      const { journal } = await openJournal(place);
      for (const word of ['a', 'b', 'c']) await journal.run('fail', { word });
      const { errors, message } = await rejects(journal.flushUpdates(), 'UPDATE_FAILED', /3 updates/);
      assert.deepEqual(
        errors?.map((error) => ((error as Error).cause as Error).message),
        ['no a', 'no b', 'no c'],
      );
      assert.match(message, /Journal\/a/);
      await journal.flushUpdates();
      await journal.run('fail', { word: 'd' });
      assert.equal((await rejects(journal.flushUpdates(), 'UPDATE_FAILED')).errors?.length, 1);
    },
  );

  add('flushUpdates does not tell of failures from before its handle, nor of other flows’', async (place) => {
    const first = await openJournal(place);
    await first.journal.run('fail', { word: 'x' });
    await failsBy(first.journal.flushUpdates(), /no x/);
    const second = await openJournal(place);
    await second.journal.flushUpdates();
    await second.journal.run('fail', { word: 'y' });
    await second.journal.flushUpdates('add');
    await failsBy(second.journal.flushUpdates('fail'), /no y/);
    await failsBy(first.journal.flushUpdates(), /no y/);
  });

  add('a call that waits hears of the failure of its own updates, and of no other', async (place) => {
    const { journal } = await openJournal(place);
    const calls = await Promise.allSettled([
      journal.run('add', { word: 'a' }, { flushUpdates: true }),
      journal.run('fail', { word: 'b' }, { flushUpdates: true }),
      journal.run('add', { word: 'c' }, { flushUpdates: true }),
    ]);
    assert.deepEqual(
      calls.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.equal((calls[1] as PromiseRejectedResult).reason.code, 'UPDATE_FAILED');
    assert.deepEqual([...(await journal.readState('log'))].sort(), ['a', 'c']);
  });
};
