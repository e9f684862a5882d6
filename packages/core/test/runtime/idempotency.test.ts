import { describe, expect, test } from 'vitest';
import { errorOf, Gate, motionOn, places, sleep } from '../support/places.js';
import { Journal, journalOf } from './fixtures.js';

describe.each(places)('idempotency keys on $kind', ({ make }) => {
  test('a call repeated with its key queues its updates once, and is served each time', async () => {
    const journal = await motionOn(make()).instance(Journal, 'a');
    for (let n = 0; n < 3; n++) await journal.run('add', { word: 'x' }, { idempotencyKey: 'k' });
    await journal.run('add', { word: 'y' }, { idempotencyKey: 'other' });
    await journal.flushUpdates();
    expect(await journal.readState('log')).toEqual(['x', 'y']);
  });

  test('at once, in one process and in several: once', async () => {
    const place = make();
    const handles = await Promise.all([1, 2, 3].map(() => motionOn(place).instance(Journal, 'a')));
    await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        handles[n % 3]?.run('add', { word: `w${n % 5}` }, { idempotencyKey: `k${n % 5}`, flushUpdates: n % 2 === 0 }),
      ),
    );
    for (const journal of handles) await journal.flushUpdates();
    const log = (await handles[0]?.readState('log')) as string[];
    expect([...log].sort()).toEqual(['w0', 'w1', 'w2', 'w3', 'w4']);
  });

  test('the repeated call waits for the first one’s updates, and hears of their failure', async () => {
    const place = make();
    const { component, factory } = journalOf();
    const gate = new Gate();
    component.gates.set('x', gate.opened);
    const journal = await motionOn(place).register(Journal, factory).instance(Journal, 'a');
    const other = await motionOn(place, { updates: 'off' }).instance(Journal, 'a');
    await journal.run('add', { word: 'x' }, { idempotencyKey: 'k' });
    let done = false;
    const repeated = other.run('add', { word: 'x' }, { idempotencyKey: 'k', flushUpdates: true }).then(() => {
      done = true;
    });
    await sleep(50);
    expect(done).toBe(false);
    gate.open();
    await repeated;
    expect(await other.readState('log')).toEqual(['x']);

    await errorOf(journal.run('fail', { word: 'bad' }, { idempotencyKey: 'f', flushUpdates: true }));
    for (const handle of [journal, other])
      expect(
        await errorOf(handle.run('fail', { word: 'bad' }, { idempotencyKey: 'f', flushUpdates: true })),
      ).toMatchObject({ code: 'UPDATE_FAILED', cause: { message: 'no bad' } });
    expect(await journal.deadLetters()).toHaveLength(1);
  });

  test('a failure is told though another update is on its way when the call is repeated', async () => {
    const { component, factory } = journalOf();
    const gate = new Gate();
    component.gates.set('slow', gate.opened);
    const journal = await motionOn(make()).register(Journal, factory).instance(Journal, 'a');
    await errorOf(journal.run('fail', { word: 'bad' }, { idempotencyKey: 'f', flushUpdates: true }));
    await journal.run('add', { word: 'slow' });
    const repeated = errorOf(journal.run('fail', { word: 'bad' }, { idempotencyKey: 'f', flushUpdates: true }));
    await sleep(20);
    gate.open();
    expect(await repeated).toMatchObject({ code: 'UPDATE_FAILED' });
  });

  test('keys are an instance’s own, and go with it', async () => {
    const motion = motionOn(make());
    for (const id of ['a', 'b']) {
      const journal = await motion.instance(Journal, id);
      await journal.run('add', { word: 'x' }, { idempotencyKey: 'k', flushUpdates: true });
      expect(await journal.readState('count')).toBe(1);
    }
    await motion.clear(Journal, 'a');
    const anew = await motion.instance(Journal, 'a');
    await anew.run('add', { word: 'y' }, { idempotencyKey: 'k', flushUpdates: true });
    expect(await anew.readState('log')).toEqual(['y']);
  });

  test('with keys of all kinds: long, odd, alike', async () => {
    const journal = await motionOn(make()).instance(Journal, 'a');
    const keys = ['x'.repeat(200), 'x'.repeat(199), '🦊', 'a/b', ' ', '\u0000', 'K', 'k', 'é', 'e\u0301'];
    for (const key of [...keys, ...keys]) await journal.run('add', { word: key }, { idempotencyKey: key });
    await journal.flushUpdates();
    expect(await journal.readState('log')).toEqual(keys);
    for (const key of ['', 'x'.repeat(201), 5, null, '\ud800'])
      expect(await errorOf(journal.run('add', { word: 'z' }, { idempotencyKey: key as string }))).toMatchObject({
        code: 'INVALID_OPTIONS',
      });
    await journal.flushUpdates();
    expect(await journal.readState('count')).toBe(keys.length);
  });
});
