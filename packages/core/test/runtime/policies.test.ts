import type { Instance, MotionOptions } from '@motion-ts/core';
import { describe, expect, test } from 'vitest';
import { errorOf, Gate, motionOn, type Place, places, sleep, until } from '../support/places.js';
import { Journal, journalOf } from './fixtures.js';
import { Lab } from './lab.js';

async function bench(
  place: Place,
  options: Partial<MotionOptions> = {},
  lab = new Lab(),
): Promise<{ lab: Lab; instance: Instance<Lab> }> {
  return {
    lab,
    instance: await motionOn(place, options)
      .register(Lab, () => lab)
      .instance(Lab, 'a'),
  };
}

describe.each(places)('policies on $kind', ({ make }) => {
  test('an update that waited too long is discarded, which is no failure', async () => {
    const place = make();
    const { instance } = await bench(place, { updates: 'off' });
    await instance.run('young', { word: 'old' });
    await sleep(80);
    await instance.run('young', { word: 'new' });
    const waiting = instance.run('young', { word: 'newest' }, { flushUpdates: true });
    await bench(place);
    await instance.flushUpdates();
    await waiting;
    expect(await instance.readState('log')).toEqual(['new', 'newest']);
    expect(await instance.deadLetters()).toEqual([]);
  });

  test('an update is discarded when so many newer ones of its method wait behind it', async () => {
    const place = make();
    const { instance } = await bench(place, { updates: 'off' });
    for (let n = 0; n < 10; n++) {
      await instance.run('latest', { word: `l${n}` });
      await instance.run('note', { word: `n${n}` });
    }
    await bench(place);
    await instance.flushUpdates();
    const log = (await instance.readState('log')) as string[];
    expect(log.filter((word) => word.startsWith('l'))).toEqual(['l7', 'l8', 'l9']);
    expect(log.filter((word) => word.startsWith('n'))).toHaveLength(10);
  });

  test('who waits for a discarded update hears of it; accepted = applied + discarded + dead', async () => {
    const place = make();
    const { instance } = await bench(place, { updates: 'off' });
    const calls = Array.from({ length: 12 }, (_, n) =>
      n % 4 === 3
        ? instance.run('retried', { word: `${n}` }, { flushUpdates: true })
        : instance.run('latest', { word: `${n}` }, { flushUpdates: true }),
    );
    const settled = Promise.allSettled(calls);
    await sleep(50);
    await bench(place);
    const results = (await settled).map((result) =>
      result.status === 'fulfilled' ? 'applied' : ((result.reason as { code: string }).code as string),
    );
    const count = (what: string): number => results.filter((result) => result === what).length;
    expect([count('applied'), count('UPDATE_DISCARDED'), count('UPDATE_FAILED')]).toEqual([3, 6, 3]);
    expect(await instance.readState('log')).toHaveLength(3);
    expect(await instance.deadLetters()).toHaveLength(3);
    expect(await errorOf(instance.flushUpdates())).toMatchObject({ code: 'UPDATE_FAILED' });
  });

  test('tries wait ever longer, up to the most, and count', async () => {
    const { instance, lab } = await bench(make());
    expect(await errorOf(instance.run('retried', { word: 'x' }, { flushUpdates: true }))).toMatchObject({
      code: 'UPDATE_FAILED',
    });
    expect(lab.contexts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
    expect(new Set(lab.contexts.map(({ updateId }) => updateId)).size).toBe(1);
    const waits = lab.times.slice(1).map((time, n) => time - (lab.times[n] as number));
    for (const [n, least] of [40, 80, 100].entries()) {
      expect(waits[n]).toBeGreaterThanOrEqual(least - 5);
      expect(waits[n]).toBeLessThan(least + 150);
    }
    // Epochs never go back.
    const epochs = lab.contexts.map(({ epoch }) => epoch);
    expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
  });

  test('an update that takes too long is tried again, in its place', async () => {
    const { instance, lab } = await bench(make());
    await instance.run('brief', { ms: 150, times: 1 });
    await instance.run('note', { word: 'next' });
    await instance.flushUpdates();
    expect(await instance.readState('log')).toEqual(['brief 2', 'next']);
    expect(lab.contexts[0]?.signal.aborted).toBe(true);
    expect(await errorOf(instance.run('brief', { ms: 150 }, { flushUpdates: true }))).toMatchObject({
      code: 'UPDATE_FAILED',
      cause: { code: 'TIMEOUT' },
    });
    await sleep(150);
    expect(await instance.readState('log')).toEqual(['brief 2', 'next']);
  });

  test('the Motion’s own retry counts where an update names none', async () => {
    const { component, factory } = journalOf();
    let tries = 0;
    component.keep = async () => {
      tries++;
      throw new Error('no');
    };
    const journal = await motionOn(make(), { retry: { attempts: 5, backoffMs: 1 } })
      .register(Journal, factory)
      .instance(Journal, 'a');
    await errorOf(journal.run('add', { word: 'x' }, { flushUpdates: true }));
    expect(tries).toBe(5);
  });

  test('a process that ends between two tries takes nothing along', async () => {
    const place = make();
    const first = await bench(place);
    await first.instance.run('retried', { word: 'x' });
    await until(() => first.lab.times.length === 2);
    const closed = motionOn(place, { updates: 'off' });
    const watching = await closed.instance(Lab, 'a');
    const { lab } = await bench(place);
    expect(await errorOf(watching.flushUpdates())).toMatchObject({ code: 'UPDATE_FAILED' });
    expect(first.lab.times.length + lab.times.length).toBe(4);
  });

  test('removes a key, keeps what is undefined, stores null', async () => {
    const { remove } = await import('@motion-ts/core');
    const { instance, lab } = await bench(make());
    lab.how['patch'] = () => ({ gone: 'here', bytes: undefined });
    await instance.run('write', { patch: 1 }, { flushUpdates: true });
    expect(await instance.readState('gone')).toBe('here');
    lab.how['patch'] = () => ({ gone: null });
    await instance.run('write', { patch: 1 }, { flushUpdates: true });
    expect(await instance.readState('gone')).toBe(null);
    lab.how['patch'] = () => ({ gone: remove, never: remove });
    await instance.run('write', { patch: 1 }, { flushUpdates: true });
    expect(Object.keys(await instance.readState()).sort()).toEqual(['bytes', 'extra', 'log']);
    await instance.writeState({ bytes: remove, gone: 'back' });
    expect(Object.keys(await instance.readState()).sort()).toEqual(['extra', 'gone', 'log']);
    lab.how['patch'] = () => ({ log: [remove] });
    expect(await errorOf(instance.run('write', { patch: 1 }, { flushUpdates: true }))).toMatchObject({
      cause: { code: 'NOT_SERIALIZABLE' },
    });
    const again = await bench(make());
    expect(Object.keys(await again.instance.readState()).sort()).toEqual(['bytes', 'extra', 'log']);
  });

  test('nothing is lost of what waits while the holder is busy', async () => {
    const { instance, lab } = await bench(make());
    const gate = new Gate();
    lab.gate = gate.opened;
    await instance.run('note', { word: 'first' });
    for (let n = 0; n < 20; n++) await instance.run('note', { word: `${n}` });
    gate.open();
    await instance.flushUpdates();
    expect(await instance.readState('log')).toHaveLength(21);
  });
});
