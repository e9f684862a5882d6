import assert from 'node:assert/strict';
import { remove, type StatePatch } from '@motion-ts/core';
import { eventually, rejects, times } from './checks.js';
import { Journal, openJournal } from './journal.js';
import type { Group } from './suite.js';

/** Keys that a journal's types do not know. */
const patch = (keys: Record<string, unknown>): StatePatch<Journal> => keys as StatePatch<Journal>;

export const state: Group = (add) => {
  add('writeState takes its turn among the updates, and is in the state when it resolves', async (place) => {
    const { journal, component } = await openJournal(place);
    const off = await openJournal(place, { updates: 'off' });
    const gate = place.gate();
    component.gates.set('first', gate.opened);
    await journal.run('add', { word: 'first' });
    await eventually('the update runs', () => component.tries.includes('first'));
    let written = false;
    const writing = journal.writeState({ log: ['written'] }).then(() => {
      written = true;
    });
    await eventually('it is queued', async () => (await off.motion.inspect(Journal, 'a')).queued === 2);
    await off.journal.run('add', { word: 'last' });
    assert.equal(written, false);
    gate.open();
    await writing;
    assert.equal((await off.journal.readState('log'))[0], 'written');
    await off.journal.flushUpdates();
    assert.deepEqual(await journal.readState(), { log: ['written', 'last'], count: 2 });
  });

  add('writes by several Motions at once are all there, none half', async (place) => {
    const opened = await Promise.all(times(3, () => openJournal(place)));
    await Promise.all(
      opened.flatMap(({ journal }, m) =>
        times(5, (n) => journal.writeState(patch({ [`${m}.${n}`]: n, count: m, draft: m }))),
      ),
    );
    for (const { journal } of opened) {
      const { log, count, draft, ...rest } = await journal.readState();
      assert.equal(count, draft, 'a write is half there');
      assert.deepEqual(log, []);
      assert.deepEqual(
        Object.keys(rest).sort(),
        times(15, (n) => `${Math.floor(n / 5)}.${n % 5}`),
      );
    }
  });

  add('undefined leaves a key, null is a value, remove deletes', async (place) => {
    const { journal, component } = await openJournal(place);
    const writes: ((given: Record<string, unknown>) => Promise<unknown>)[] = [
      (given) => journal.writeState(patch(given)),
      (given) => {
        component.patch = () => given;
        return journal.run('make', {}, { flushUpdates: true });
      },
    ];
    for (const write of writes) {
      await write({ draft: 'd', count: undefined });
      assert.deepEqual(await journal.readState(), { log: [], count: 0, draft: 'd' });
      await write({ draft: null });
      assert.deepEqual(await journal.readState(), { log: [], count: 0, draft: null });
      await write({ draft: remove, never: remove, count: 0 });
      assert.deepEqual(await journal.readState(), { log: [], count: 0 });
    }
    const other = await openJournal(place, { updates: 'off' });
    assert.deepEqual(await other.journal.readState(), { log: [], count: 0 });
    component.patch = () => ({ log: [remove] });
    const { cause } = await rejects(journal.run('make', {}, { flushUpdates: true }), 'UPDATE_FAILED');
    assert.equal((cause as { code: string }).code, 'NOT_SERIALIZABLE');
  });

  add('readState of one key gives that; of none that is there, undefined', async (place) => {
    const { journal } = await openJournal(place);
    await journal.writeState({ draft: { deep: [1] } });
    assert.deepEqual(await journal.readState('draft'), { deep: [1] });
    assert.equal(await journal.readState('bytes'), undefined);
    for (const key of ['toString', 'constructor', '__proto__', 'hasOwnProperty', ''])
      assert.equal(await journal.readState(key as 'log'), undefined);
    assert.equal(Object.getPrototypeOf(await journal.readState()), Object.prototype);
  });

  add('keys may be any text, and keep apart', async (place) => {
    const { journal } = await openJournal(place);
    const keys = [
      'a',
      'A',
      'a/b',
      'a%2Fb',
      '~',
      '%',
      '*',
      '{x}',
      ' ',
      '\n',
      '\u0000',
      'é',
      'e\u0301',
      '🦊',
      'toString',
    ];
    keys.push('constructor', '1', 'x'.repeat(1_000), `${'x'.repeat(999)}y`);
    for (const [n, key] of keys.entries()) await journal.writeState(patch({ [key]: n }));
    const other = await openJournal(place);
    const { log, count, ...rest } = (await other.journal.readState()) as Record<string, unknown>;
    assert.deepEqual(rest, Object.fromEntries(keys.map((key, n) => [key, n])));
    await other.journal.writeState(patch(Object.fromEntries(keys.slice(1).map((key) => [key, remove]))));
    assert.deepEqual(await journal.readState(), { log, count, a: 0 });
  });

  add('what is no patch is refused, and nothing of it is written', async (place) => {
    const { motion, journal } = await openJournal(place, { updates: 'off' });
    for (const given of [
      7,
      'text',
      [1],
      new Map(),
      new Date(),
      { count: 1, '': 1 },
      { count: 1, ['x'.repeat(1_001)]: 1 },
    ])
      await rejects(journal.writeState(given as never), 'INVALID_PATCH', /writeState of Journal\/a/);
    await rejects(journal.writeState(JSON.parse('{ "count": 1, "__proto__": 2 }')), 'INVALID_PATCH');
    await rejects(journal.writeState(patch({ count: 1, '\ud800': 1 })), 'INVALID_PATCH');
    const path = /writeState of Journal\/a: state\["my key"\]\.deep\[1\] is a function/;
    await rejects(journal.writeState(patch({ count: 1, 'my key': { deep: [0, () => 1] } })), 'NOT_SERIALIZABLE', path);
    assert.equal((await motion.inspect(Journal, 'a')).queued, 0);
    await journal.writeState({});
    await journal.writeState({ count: undefined });
    assert.equal(await journal.version(), 1);
  });

  add('many keys at once are all there at once; more than a commit takes are refused', async (place) => {
    const { journal } = await openJournal(place);
    const store = await place.store();
    const many = (count: number): StatePatch<Journal> => patch(Object.fromEntries(times(count, (n) => [`k${n}`, n])));
    await rejects(journal.writeState(many(store.limits.commitOps + 1)), 'INVALID_PATCH', /writeState of Journal\/a/);
    assert.equal(await journal.version(), 1);
    const most = Math.min(1_000, Math.floor(store.limits.commitOps / 2));
    await journal.writeState(many(most));
    assert.equal(await journal.version(), 2);
    const other = await openJournal(place);
    assert.equal(Object.keys(await other.journal.readState()).length, most + 2);
  });
};
