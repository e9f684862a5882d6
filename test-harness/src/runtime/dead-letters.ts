import assert from 'node:assert/strict';
import { eventually, failsBy, onlyDeadLetter, rejects, words } from './checks.js';
import { Journal, openJournal } from './journal.js';
import type { Group } from './suite.js';

export const deadLetters: Group = (add) => {
  add('tell all there is to know, in any Motion', async (place) => {
    const { motion, journal, component } = await openJournal(place);
    component.made = (_, { given }) => ({ served: given });
    component.patch = () => {
      throw Object.assign(new TypeError('not today'), { code: 'E_TODAY' });
    };
    const from = Date.now();
    await rejects(journal.run('make', { given: { n: 1n } }, { flushUpdates: true }), 'UPDATE_FAILED');
    const other = await openJournal(place, { updates: 'off' });
    for (const handle of [journal, other.journal]) {
      const letter = await onlyDeadLetter(handle);
      assert.equal(letter.flow, 'make');
      assert.equal(letter.update, 'make');
      assert.equal(letter.tries, 1);
      assert.deepEqual(letter.props, { given: { n: 1n }, serveResult: { served: { n: 1n } } });
      const { name, message, code, stack } = letter.error;
      assert.deepEqual([name, message, code], ['TypeError', 'not today', 'E_TODAY']);
      assert.match(stack ?? '', /not today/);
      for (const date of [letter.queuedAt, letter.diedAt])
        assert.ok(date.getTime() >= from - 1 && date.getTime() <= Date.now() + 1);
    }
    assert.equal((await motion.inspect(Journal, 'a')).deadLetters, 1);
  });

  add('come in the order of the calls', async (place) => {
    const { journal, component } = await openJournal(place);
    for (const word of words(12)) component.broken.add(word);
    for (const word of words(12)) await journal.run('fragile', { word });
    await rejects(journal.flushUpdates(), 'UPDATE_FAILED', /12 updates/);
    assert.deepEqual(
      (await journal.deadLetters()).map(({ props }) => (props as { word: string }).word),
      words(12),
    );
  });

  add('are queued again by redrive, from any Motion: behind what waits, and gone from the list', async (place) => {
    const { journal, component } = await openJournal(place);
    component.broken.add('x');
    await journal.run('fragile', { word: 'x' });
    await journal.run('add', { word: 'b' });
    await failsBy(journal.flushUpdates(), /broke at x/);
    component.broken.clear();
    const off = await openJournal(place, { updates: 'off' });
    const { id } = await onlyDeadLetter(off.journal);
    await off.journal.redrive(id);
    assert.deepEqual(await off.journal.deadLetters(), []);
    await off.journal.flushUpdates();
    assert.deepEqual(await journal.readState('log'), ['b', 'x']);
    await rejects(journal.redrive(id), 'NO_DEAD_LETTER', /Journal\/a/);
  });

  add('that fail again are dead letters again, and a failure again', async (place) => {
    const { journal, component } = await openJournal(place);
    component.broken.add('x');
    await journal.run('fragile', { word: 'x' });
    await failsBy(journal.flushUpdates(), /broke at x/);
    await journal.redrive((await onlyDeadLetter(journal)).id);
    await failsBy(journal.flushUpdates(), /broke at x/);
    assert.deepEqual((await onlyDeadLetter(journal)).props, { word: 'x', serveResult: undefined });
  });

  add('redriven by several at once take effect once', async (place) => {
    const component = new Journal();
    component.broken.add('x');
    const [one, two] = [await openJournal(place, { component }), await openJournal(place, { component })];
    await one.journal.run('fragile', { word: 'x' });
    await failsBy(one.journal.flushUpdates(), /broke at x/);
    component.broken.clear();
    const { id } = await onlyDeadLetter(two.journal);
    const redriven = await Promise.allSettled([one, two, one, two].map(({ journal }) => journal.redrive(id)));
    const codes = redriven.map((one) => (one.status === 'fulfilled' ? 'queued' : one.reason.code));
    assert.deepEqual(codes.sort(), ['NO_DEAD_LETTER', 'NO_DEAD_LETTER', 'NO_DEAD_LETTER', 'queued']);
    await one.journal.flushUpdates();
    await two.journal.flushUpdates();
    assert.deepEqual(await one.journal.readState('log'), ['x']);
  });

  add('can be discarded, and are gone', async (place) => {
    const { motion, journal, component } = await openJournal(place);
    component.broken.add('x');
    await journal.run('fragile', { word: 'x' });
    await failsBy(journal.flushUpdates(), /broke at x/);
    const { id } = await onlyDeadLetter(journal);
    await journal.discardDeadLetter(id);
    assert.deepEqual(await journal.deadLetters(), []);
    await rejects(journal.discardDeadLetter(id), 'NO_DEAD_LETTER');
    await rejects(journal.redrive(id), 'NO_DEAD_LETTER');
    await journal.flushUpdates();
    assert.equal((await motion.inspect(Journal, 'a')).deadLetters, 0);
    assert.equal(await journal.version(), 1);
  });

  add('keep big props, which can be redriven', async (place) => {
    const { journal, component } = await openJournal(place);
    const word = 'ü'.repeat(700_000);
    component.broken.add(word);
    await journal.run('fragile', { word });
    await rejects(journal.flushUpdates(), 'UPDATE_FAILED');
    component.broken.clear();
    const letter = await onlyDeadLetter(journal);
    assert.equal((letter.props as { word: string }).word, word);
    await journal.redrive(letter.id);
    await journal.flushUpdates();
    assert.deepEqual(await journal.readState('log'), [word]);
  });

  add('with ids of nobody there are none', async (place) => {
    const { journal } = await openJournal(place);
    for (const id of [undefined, null, 5, '', 'x', 'a b', '\ud800', 'x'.repeat(1_000), '../root'] as string[]) {
      await rejects(journal.redrive(id), 'NO_DEAD_LETTER', /Journal\/a/);
      await rejects(journal.discardDeadLetter(id), 'NO_DEAD_LETTER', /Journal\/a/);
    }
    await eventually('nothing was harmed', async () => (await journal.version()) === 1);
  });
};
