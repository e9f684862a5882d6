import assert from 'node:assert/strict';
import { eventually, failsBy, rejects, times } from './checks.js';
import { Journal, openJournal } from './journal.js';
import type { Group } from './suite.js';

export const idempotency: Group = (add) => {
  add('a call repeated with its key queues its updates once, and is served each time', async (place) => {
    const { journal } = await openJournal(place);
    for (const n of [0, 1, 2]) {
      assert.deepEqual(await journal.run('held', { word: `x${n}` }, { idempotencyKey: 'k' }), [n && 1, n && 1]);
      await journal.flushUpdates();
    }
    await journal.run('add', { word: 'y' }, { idempotencyKey: 'other', flushUpdates: true });
    assert.deepEqual(await journal.readState('log'), ['x0', 'y']);
  });

  add('calls with one key at once, in several Motions: one takes effect', async (place) => {
    const opened = await Promise.all(times(3, () => openJournal(place)));
    await Promise.all(
      opened.flatMap(({ journal }) =>
        times(10, (n) =>
          journal.run('add', { word: `w${n % 5}` }, { idempotencyKey: `k${n % 5}`, flushUpdates: n % 2 === 0 }),
        ),
      ),
    );
    for (const { journal } of opened) await journal.flushUpdates();
    const log = (await opened[0]?.journal.readState('log')) as string[];
    assert.deepEqual([...log].sort(), ['w0', 'w1', 'w2', 'w3', 'w4']);
  });

  add('a key outlives the process that used it', async (place) => {
    for (const word of ['first', 'second']) {
      const { motion, journal } = await openJournal(place, { updates: word === 'first' ? 'off' : 'background' });
      await journal.run('add', { word }, { idempotencyKey: 'k' });
      if (word === 'second') await journal.flushUpdates();
      await motion.close();
    }
    const { journal } = await openJournal(place);
    await journal.run('add', { word: 'third' }, { idempotencyKey: 'k', flushUpdates: true });
    assert.deepEqual(await journal.readState('log'), ['first']);
  });

  add('the repeated call waits for the first one’s updates, in another Motion too', async (place) => {
    const { journal, component } = await openJournal(place);
    const off = await openJournal(place, { updates: 'off' });
    const gate = place.gate();
    component.gates.set('x', gate.opened);
    await journal.run('add', { word: 'x' }, { idempotencyKey: 'k' });
    let done = false;
    const repeated = off.journal.run('add', { word: 'x' }, { idempotencyKey: 'k', flushUpdates: true }).then(() => {
      done = true;
    });
    await eventually('the update runs', () => component.tries.includes('x'));
    for (const _ of [1, 2, 3]) await off.journal.readState();
    assert.equal(done, false);
    gate.open();
    await repeated;
    assert.deepEqual(await off.journal.readState('log'), ['x']);
  });

  add('the repeated call hears of the first one’s failure', async (place) => {
    const { journal } = await openJournal(place);
    const off = await openJournal(place, { updates: 'off' });
    for (const handle of [journal, off.journal, journal])
      await failsBy(handle.run('fail', { word: 'x' }, { idempotencyKey: 'k', flushUpdates: true }), /no x/);
    assert.equal((await journal.deadLetters()).length, 1);
  });

  add('keys are an instance’s own, and go with it', async (place) => {
    const { motion, journal } = await openJournal(place);
    const other = await motion.instance(Journal, 'b');
    for (const handle of [journal, other])
      await handle.run('add', { word: 'x' }, { idempotencyKey: 'k', flushUpdates: true });
    assert.equal(await other.readState('count'), 1);
    await motion.clear(Journal, 'a');
    const anew = await motion.instance(Journal, 'a');
    await anew.run('add', { word: 'y' }, { idempotencyKey: 'k', flushUpdates: true });
    assert.deepEqual(await anew.readState('log'), ['y']);
  });

  add('keys may be odd and alike; what is no key is refused', async (place) => {
    const { journal } = await openJournal(place);
    const keys = ['x'.repeat(200), 'x'.repeat(199), '🦊', 'a/b', ' ', '\u0000', 'K', 'k', 'é', 'e\u0301'];
    for (const key of [...keys, ...keys]) await journal.run('add', { word: key }, { idempotencyKey: key });
    for (const idempotencyKey of ['', 'x'.repeat(201), 5, null, '\ud800'] as string[])
      await rejects(
        journal.run('add', { word: 'z' }, { idempotencyKey }),
        'INVALID_OPTIONS',
        /flow 'add' of Journal\/a/,
      );
    await journal.flushUpdates();
    assert.deepEqual(await journal.readState('log'), keys);
  });
};
