import { type Instance, MotionError } from '@motion-ts/core';
import { describe, expect, test } from 'vitest';
import { errorOf, Gate, motionOn, type Place, places, sleep, until } from '../support/places.js';
import { Journal, journalOf } from './fixtures.js';

const words = (count: number): string[] => Array.from({ length: count }, (_, n) => `w${n}`);

describe.each(places)('updates on $kind', ({ make }) => {
  async function open(place: Place = make(), component = new Journal()): Promise<Instance<Journal>> {
    return motionOn(place)
      .register(Journal, () => component)
      .instance(Journal, 'a');
  }

  test('of all flows apply in the order of the calls', async () => {
    const journal = await open();
    for (const word of words(30)) {
      await journal.run('add', { word });
      await journal.run('twice', { word });
      await journal.run('either', { word });
      await journal.run('or', { word });
    }
    await journal.flushUpdates();
    expect(await journal.readState('log')).toEqual(
      words(30).flatMap((word) => [
        word,
        `${word}1`,
        `${word.toUpperCase()}2`,
        `either: either ${word}`,
        `or: or ${word}`,
      ]),
    );
  });

  test('of calls at once apply each once, those of one call together', async () => {
    const journal = await open();
    await Promise.all(words(300).map((word) => journal.run('twice', { word })));
    await journal.flushUpdates();
    const log = (await journal.readState('log')) as string[];
    expect(log).toHaveLength(600);
    expect(new Set(log).size).toBe(600);
    for (let n = 0; n < 600; n += 2) expect(log[n + 1]).toBe(`${log[n]?.slice(0, -1).toUpperCase()}2`);
  });

  test('of several Motions on one instance: each one’s in its order, all once', async () => {
    const place = make();
    const all = await Promise.all([open(place), open(place), open(place)]);
    await Promise.all(
      all.map(async (journal, n) => {
        for (const word of words(25)) await journal.run('add', { word: `${n}${word}` });
      }),
    );
    await Promise.all(all.map((journal) => journal.flushUpdates()));
    const log = (await all[0]?.readState('log')) as string[];
    expect(log).toHaveLength(75);
    for (const n of [0, 1, 2])
      expect(log.filter((word) => word.startsWith(`${n}`))).toEqual(words(25).map((word) => `${n}${word}`));
    expect(await all[1]?.readState('count')).toBe(75);
  });

  test('a call after another Motion’s call is done sees its effect, and comes behind it', async () => {
    const place = make();
    const [first, second] = [await open(place), await open(place)];
    for (const word of words(10)) {
      await first.run('add', { word });
      await second.run('add', { word: `${word}!` });
    }
    await first.flushUpdates();
    expect(await second.readState('log')).toEqual(words(10).flatMap((word) => [word, `${word}!`]));
  });

  test('an update that fails keeps its place while it is tried again, across restarts of the worker', async () => {
    const place = make();
    const journal = await open(place);
    await journal.run('fail', { word: 'a', times: 2 });
    await journal.run('add', { word: 'b' });
    await journal.flushUpdates();
    expect(await journal.readState('log')).toEqual(['a', 'b']);
  });

  test('after the last try it is a dead letter, and the next goes on', async () => {
    const journal = await open();
    await journal.run('add', { word: 'before' });
    await journal.run('fail', { word: 'x' });
    await journal.run('add', { word: 'after' });
    const error = await errorOf(journal.flushUpdates());
    expect(error).toMatchObject({ code: 'UPDATE_FAILED', cause: { name: 'TypeError', message: 'no x' } });
    expect((error as MotionError).errors).toHaveLength(1);
    expect(await journal.readState('log')).toEqual(['before', 'after']);
  });

  test('a call that waits for its updates hears of its own failures only', async () => {
    const journal = await open();
    const calls = await Promise.allSettled([
      journal.run('add', { word: 'a' }, { flushUpdates: true }),
      journal.run('fail', { word: 'b' }, { flushUpdates: true }),
      journal.run('add', { word: 'c' }, { flushUpdates: true }),
    ]);
    expect(calls.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((calls[1] as PromiseRejectedResult).reason).toMatchObject({ code: 'UPDATE_FAILED' });
  });

  describe('flushUpdates', () => {
    test('tells of failures that came before it, once', async () => {
      const journal = await open();
      await journal.run('fail', { word: 'x' });
      await until(async () => (await journal.deadLetters()).length === 1);
      expect(await errorOf(journal.flushUpdates())).toMatchObject({ code: 'UPDATE_FAILED' });
      await journal.flushUpdates();
    });

    test('tells of all failures, in the order of the calls', async () => {
      const journal = await open();
      for (const word of ['a', 'b', 'c']) await journal.run('fail', { word });
      const { errors, message } = (await errorOf(journal.flushUpdates())) as MotionError;
      expect(errors?.map((error) => ((error as MotionError).cause as Error).message)).toEqual(['no a', 'no b', 'no c']);
      expect(message).toMatch(/3 updates/);
    });

    test('does not tell of failures before its handle was opened', async () => {
      const place = make();
      const first = await open(place);
      await first.run('fail', { word: 'x' });
      await errorOf(first.flushUpdates());
      const second = await open(place);
      await second.flushUpdates();
      await second.run('fail', { word: 'y' });
      expect(await errorOf(second.flushUpdates())).toMatchObject({ cause: { message: 'no y' } });
      // That one is news to the first handle, too.
      expect(await errorOf(first.flushUpdates())).toMatchObject({ cause: { message: 'no y' } });
    });

    test('a failure that comes right behind what is waited for is told by the next one', async () => {
      const place = make();
      const { component, factory } = journalOf();
      component.broken.add('x');
      const journal = await motionOn(place, { updates: 'off' }).instance(Journal, 'a');
      await journal.run('add', { word: 'fine' });
      const flushed = journal.flushUpdates();
      await sleep(30);
      await journal.run('fragile', { word: 'x' });
      // One commit has both.
      motionOn(place).register(Journal, factory);
      await flushed;
      expect(await errorOf(journal.flushUpdates())).toMatchObject({ code: 'UPDATE_FAILED' });
    });

    test('of one flow tells of that flow’s failures', async () => {
      const journal = await open();
      await journal.run('fail', { word: 'x' });
      await journal.flushUpdates('add');
      expect(await errorOf(journal.flushUpdates('fail'))).toMatchObject({ cause: { message: 'no x' } });
      expect(await errorOf(journal.flushUpdates())).toMatchObject({ cause: { message: 'no x' } });
      await journal.flushUpdates('fail');
      await journal.flushUpdates();
    });

    test('returns at once when nothing is queued, and waits for what another Motion runs', async () => {
      const place = make();
      const journal = await open(place);
      await journal.flushUpdates();
      const queueing = await motionOn(place, { updates: 'off' }).instance(Journal, 'a');
      for (const word of words(20)) await queueing.run('add', { word });
      await queueing.flushUpdates();
      expect(await queueing.readState('count')).toBe(20);
    });
  });

  describe('writeState', () => {
    test('takes its turn among the updates, and is there when it resolves', async () => {
      const { component, factory } = journalOf();
      const gate = new Gate();
      component.gates.set('first', gate.opened);
      const journal = await motionOn(make()).register(Journal, factory).instance(Journal, 'a');
      await journal.run('add', { word: 'first' });
      const written = journal.writeState({ log: ['written'] });
      await sleep(20);
      await journal.run('add', { word: 'last' });
      gate.open();
      await written;
      await journal.flushUpdates();
      expect(await journal.readState()).toEqual({ log: ['written', 'last'], count: 2 });
    });

    test('of nothing changes nothing', async () => {
      const journal = await open();
      await journal.writeState({});
      await journal.writeState({ count: undefined });
      expect(await journal.version()).toBe(1);
    });
  });

  describe('dead letters', () => {
    test('tell all there is to know', async () => {
      const journal = await open();
      const from = Date.now();
      await journal.run('fail', { word: 'x', times: 50 });
      await errorOf(journal.flushUpdates());
      const [letter, ...more] = await journal.deadLetters();
      expect(more).toEqual([]);
      expect(letter).toMatchObject({
        flow: 'fail',
        update: 'tryHard',
        tries: 3,
        error: { name: 'TypeError', message: 'no x', stack: expect.stringContaining('tryHard') as string },
        props: { word: 'x', times: 50, serveResult: undefined },
      });
      for (const date of [letter?.queuedAt, letter?.diedAt]) expect(Math.abs(Number(date) - from)).toBeLessThan(10_000);
    });

    test('come in the order of the calls', async () => {
      const journal = await open();
      for (const word of words(12)) await journal.run('fail', { word });
      await errorOf(journal.flushUpdates());
      expect((await journal.deadLetters()).map(({ props }) => (props as { word: string }).word)).toEqual(words(12));
    });

    test('are queued again by redrive, behind what waits, and gone from the list', async () => {
      const component = new Journal();
      component.broken.add('x');
      const journal = await open(make(), component);
      await journal.run('fragile', { word: 'x' });
      await journal.run('add', { word: 'b' });
      await errorOf(journal.flushUpdates());
      component.broken.clear();
      const [letter] = await journal.deadLetters();
      await journal.redrive(letter?.id as string);
      expect(await journal.deadLetters()).toEqual([]);
      await journal.flushUpdates();
      expect(await journal.readState('log')).toEqual(['b', 'x']);
      expect(await errorOf(journal.redrive(letter?.id as string))).toMatchObject({ code: 'NO_DEAD_LETTER' });
    });

    test('that fail again are dead letters again, and a failure again', async () => {
      const component = new Journal();
      component.broken.add('x');
      const journal = await open(make(), component);
      await journal.run('fragile', { word: 'x' });
      await errorOf(journal.flushUpdates());
      const [letter] = await journal.deadLetters();
      await journal.redrive(letter?.id as string);
      expect(await errorOf(journal.flushUpdates())).toMatchObject({ code: 'UPDATE_FAILED' });
      expect(await journal.deadLetters()).toHaveLength(1);
    });

    test('redriven by two at once run once', async () => {
      const place = make();
      const component = new Journal();
      component.broken.add('x');
      const [one, two] = [await open(place, component), await open(place, component)];
      await one.run('fragile', { word: 'x' });
      await errorOf(one.flushUpdates());
      component.broken.clear();
      const id = (await one.deadLetters())[0]?.id as string;
      const results = await Promise.allSettled([one.redrive(id), two.redrive(id), one.redrive(id), two.redrive(id)]);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      await one.flushUpdates();
      expect(await one.readState('log')).toEqual(['x']);
    });

    test('can be discarded, with their big props', async () => {
      const place = make();
      const journal = await open(place);
      await journal.run('fail', { word: 'x'.repeat(3_000_000) });
      await errorOf(journal.flushUpdates());
      const [letter] = await journal.deadLetters();
      expect(letter?.props).toMatchObject({ word: expect.objectContaining({ length: 3_000_000 }) as string });
      await journal.discardDeadLetter(letter?.id as string);
      expect(await journal.deadLetters()).toEqual([]);
      expect(await place.open().list('Journal/a', { prefix: 'b/', limit: 10 })).toEqual([]);
      await journal.flushUpdates();
      expect(await errorOf(journal.discardDeadLetter(letter?.id as string))).toMatchObject({ code: 'NO_DEAD_LETTER' });
    });

    test.each([undefined, null, 5, '', 'x', 'a b', '\ud800', 'x'.repeat(1_000), '../root'])(
      'with the id %j there is none',
      async (id) => {
        const journal = await open();
        expect(await errorOf(journal.redrive(id as string))).toMatchObject({ code: 'NO_DEAD_LETTER' });
        expect(await errorOf(journal.discardDeadLetter(id as string))).toMatchObject({ code: 'NO_DEAD_LETTER' });
      },
    );
  });

  test('a patch that cannot be stored is a dead letter at once, and leaves no trace', async () => {
    const journal = await open();
    for (const patch of [{ count: 1, log: [undefined, 'ok', { deep: 5 }] }, { count: 2 }])
      await journal.run('bad', { patch });
    await journal.flushUpdates();
    expect(await journal.readState('count')).toBe(2);
    for (const patch of [7, 'text', [1], new Date()]) {
      expect(await errorOf(journal.run('bad', { patch }, { flushUpdates: true }))).toMatchObject({
        code: 'UPDATE_FAILED',
        cause: { code: 'INVALID_PATCH' },
      });
    }
    expect((await journal.deadLetters()).map(({ tries }) => tries)).toEqual([1, 1, 1, 1]);
    expect(await journal.readState('count')).toBe(2);
  });

  test('an update that the class no longer has is a dead letter, to be redriven when it is back', async () => {
    const place = make();
    const queueing = await motionOn(place, { updates: 'off' }).instance(Journal, 'a');
    await queueing.run('add', { word: 'x' });
    const { Journal: Older } = await import('./older-journal.js');
    const older = motionOn(place, { retry: { attempts: 1 } });
    older.register(Older);
    await until(async () => (await queueing.deadLetters()).length === 1);
    expect((await queueing.deadLetters())[0]).toMatchObject({ update: 'keep', error: { code: 'UNKNOWN_UPDATE' } });
    await older.close();
    const journal = await open(place);
    await journal.redrive((await journal.deadLetters())[0]?.id as string);
    await journal.flushUpdates();
    expect(await journal.readState('log')).toEqual(['x']);
  });
});

test('what is thrown may be anything', async () => {
  const { motion } = await import('./fixtures.js');
  const { Thrower } = await import('./thrower.js');
  const thrower = await motion().instance(Thrower, 'a');
  for (const what of ['undefined', 'null', 'text', 'object', 'symbol', 'frozen', 'getter', 'huge', 'surrogate', 'loop'])
    expect(await errorOf(thrower.run('throw', { what }, { flushUpdates: true }))).toMatchObject({
      code: 'UPDATE_FAILED',
    });
  await thrower.run('fine', {}, { flushUpdates: true });
  expect(await thrower.readState()).toEqual({ fine: true });
  expect(await thrower.deadLetters()).toHaveLength(10);
  expect(MotionError.is(await errorOf(thrower.flushUpdates()), 'UPDATE_FAILED')).toBe(true);
});
