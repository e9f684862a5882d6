import { expect, test } from 'vitest';
import { Journal, motion } from './fixtures.js';

test('run serves from the state, then its updates change it', async () => {
  const journal = await motion().instance(Journal, 'a', { init: { first: 'zero' } });
  expect(await journal.run('add', { word: 'one' }, { flushUpdates: true })).toBe(1);
  expect(await journal.run('add', { word: 'two' })).toBe(2);
  await journal.flushUpdates();
  expect(await journal.readState()).toEqual({ log: ['zero', 'one', 'two'], count: 2 });
  expect(await journal.readState('count')).toBe(2);
  expect(await journal.version()).toBe(3);
});

test('a retried update keeps its place, and one that always fails becomes a dead letter', async () => {
  const journal = await motion().instance(Journal, 'a');
  await journal.run('fail', { word: 'later', times: 1 });
  await journal.run('fail', { word: 'never' });
  await journal.run('add', { word: 'after' });
  await expect(journal.flushUpdates()).rejects.toMatchObject({ code: 'UPDATE_FAILED', cause: { message: 'no never' } });
  expect(await journal.readState('log')).toEqual(['later', 'after']);
  const [letter] = await journal.deadLetters();
  expect(letter).toMatchObject({
    flow: 'fail',
    update: 'tryHard',
    tries: 3,
    error: { name: 'TypeError' },
    props: { word: 'never' },
  });
  await expect(journal.run('fail', { word: 'direct' }, { flushUpdates: true })).rejects.toMatchObject({
    code: 'UPDATE_FAILED',
  });
});
