import assert from 'node:assert/strict';
import { MotionError, type UpdateContext } from '@motion-ts/core';
import type { Store } from '@motion-ts/core/store';
import { pause } from '../conformance/suite.js';
import { ALTERATIONS } from '../faults/alterations.js';
import { eventually, rejects, times, words } from './checks.js';
import { type Opened, openJournal } from './journal.js';
import { Line, Lossy } from './lines.js';
import type { Gate, Place, ProcessOptions } from './place.js';
import type { Group } from './suite.js';

/** A Motion inside an update, `held`, with another one, `next`, queued behind it. */
async function holding(place: Place, options: ProcessOptions = {}): Promise<Opened & { gate: Gate }> {
  const opened = await openJournal(place, options);
  const { journal, component } = opened;
  const gate = place.gate();
  component.gates.set('held', gate.opened);
  await journal.run('add', { word: 'held' });
  await journal.run('add', { word: 'next' });
  await eventually('the update runs', () => component.tries.includes('held'));
  return { ...opened, gate };
}

/** What can be cut of a Motion, as if its process had vanished; whole again when the case ends. */
function cuttable(place: Place): { readonly line: () => Line; readonly through: (store: Store) => Store } {
  let line: Line | undefined;
  place.onEnd(() => line?.mend());
  return {
    line: () => line as Line,
    through: (store) => {
      line = new Line(store);
      return line;
    },
  };
}

export const handOver: Group = (add) => {
  add('a close finishes the update that runs and commits it; another Motion goes on behind it', async (place) => {
    const { motion, component, gate } = await holding(place);
    const other = await openJournal(place);
    const closed = motion.close();
    await pause(20);
    gate.open();
    await closed;
    await other.journal.flushUpdates();
    assert.deepEqual(await other.journal.readState(), { log: ['held', 'next'], count: 2 });
    assert.equal([...component.tries, ...other.component.tries].filter((word) => word === 'held').length, 1);
  });

  add('a close with abortRunning waits for no update: it is told, and runs again elsewhere', async (place) => {
    const { motion, component, gate } = await holding(place);
    await motion.close({ abortRunning: true });
    assert.equal(component.signals[0]?.aborted, true);
    const other = await openJournal(place);
    await other.journal.flushUpdates();
    gate.open();
    await pause(20);
    assert.deepEqual(await other.journal.readState(), { log: ['held', 'next'], count: 2 });
  });

  add(
    'a holder that vanished is replaced; what it commits when it is back is refused, and it is told',
    async (place) => {
      const lease = { ttlMs: 700 };
      const { line, through } = cuttable(place);
      const first = await holding(place, { lease, through });
      line().cut();
      const other = await openJournal(place, { lease });
      await other.journal.flushUpdates();
      assert.deepEqual(await other.journal.readState(), { log: ['held', 'next'], count: 2 });
      const [before, after] = [first, other].map(({ component }) => component.contexts[0] as UpdateContext);
      assert.ok((after?.epoch ?? 0) > (before?.epoch ?? 0), 'the new holder has no higher epoch');
      assert.equal(after?.updateId, before?.updateId);
      await other.journal.run('add', { word: 'between' }, { flushUpdates: true });
      line().mend();
      await eventually('the old holder is told', () => first.component.signals[0]?.aborted === true);
      assert.ok(MotionError.is(first.component.signals[0]?.reason, 'LEASE_LOST'));
      first.gate.open();
      await first.journal.run('add', { word: 'last' }, { flushUpdates: true });
      for (const { journal } of [first, other])
        assert.deepEqual(await journal.readState(), { log: ['held', 'next', 'between', 'last'], count: 4 });
    },
  );

  add('a holder that comes back before anybody missed it goes on', async (place) => {
    const { line, through } = cuttable(place);
    const first = await holding(place, { through });
    line().cut();
    first.gate.open();
    await pause(50);
    line().mend();
    await first.journal.flushUpdates();
    assert.deepEqual(await first.journal.readState('log'), ['held', 'next']);
    assert.deepEqual(first.component.tries, ['held', 'next']);
  });

  add('a holder that is alive keeps its lease through an update longer than it', async (place) => {
    const lease = { ttlMs: 1_200 };
    const { component, gate, journal } = await holding(place, { lease });
    const other = await openJournal(place, { lease });
    await pause(1_700);
    gate.open();
    await Promise.all([journal.flushUpdates(), other.journal.flushUpdates()]);
    assert.deepEqual(await other.journal.readState('log'), ['held', 'next']);
    assert.equal([...component.tries, ...other.component.tries].filter((word) => word === 'held').length, 1);
  });

  add('lost requests and lost answers: each call takes effect once, in order', async (place) => {
    const through = (store: Store): Store => new Lossy(store);
    const opened = await Promise.all(times(2, () => openJournal(place, { through })));
    await Promise.all(
      opened.map(async ({ journal }, m) => {
        for (const [n, word] of words(8).entries())
          await journal.run('add', { word: `${m}${word}` }, { flushUpdates: n % 3 === 0 });
        await journal.writeState({ draft: m });
      }),
    );
    const { journal } = await openJournal(place);
    await journal.flushUpdates();
    const { log, count } = await journal.readState();
    assert.equal(count, 16);
    for (const m of [0, 1])
      assert.deepEqual(
        log.filter((word) => word.startsWith(`${m}`)),
        words(8).map((word) => `${m}${word}`),
      );
  });

  add('a commit that arrives twice takes effect once', async (place) => {
    const { journal } = await openJournal(place, { through: (store) => ALTERATIONS['resends']?.(store) ?? store });
    for (const word of words(5)) await journal.run('add', { word });
    await journal.flushUpdates();
    assert.deepEqual(await journal.readState(), { log: words(5), count: 5 });
  });

  add('a store that is down for a moment: calls wait; for long: they fail, and it goes on after', async (place) => {
    const { line, through } = cuttable(place);
    const { journal } = await openJournal(place, { through, storeTimeoutMs: 400 });
    const off = await openJournal(place, { updates: 'off' });
    line().cut();
    await rejects(journal.readState(), 'unavailable');
    const waiting = journal.run('fail', { word: 'x', times: 0 });
    await pause(50);
    line().mend();
    await waiting;
    await journal.flushUpdates();
    await off.journal.run('add', { word: 'y' });
    line().cut();
    await rejects(journal.writeState({ draft: 'lost' }), 'unavailable');
    line().mend();
    await journal.run('add', { word: 'z' }, { flushUpdates: true });
    assert.deepEqual(await off.journal.readState(), { log: ['x', 'y', 'z'], count: 2 });
  });
};
