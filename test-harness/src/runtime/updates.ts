import assert from 'node:assert/strict';
import { Component, type Motion, Update, type UpdateContext } from '@motion-ts/core';
import { eventually, failsBy, times, words } from './checks.js';
import { decorate, Journal, openJournal } from './journal.js';
import { Metered } from './lines.js';
import type { Group } from './suite.js';

export const updates: Group = (add) => {
  add('of all flows take effect in the order of the calls', async (place) => {
    const { journal } = await openJournal(place);
    for (const word of words(8)) {
      await journal.run('add', { word });
      await journal.run('pair', { word });
      await journal.run('fail', { word: `${word}!`, times: 0 });
      await journal.run('held', { word: `${word}?` });
    }
    await journal.flushUpdates();
    const expected = words(8).flatMap((word) => [word, `${word}1`, `${word.toUpperCase()}2`, `${word}!`, `${word}?`]);
    assert.deepEqual(await journal.readState('log'), expected);
  });

  add('of calls made at once take effect each once, those of one call together', async (place) => {
    const { journal } = await openJournal(place);
    await Promise.all(words(100).map((word) => journal.run('pair', { word })));
    await journal.flushUpdates();
    const log = (await journal.readState('log')) as string[];
    assert.deepEqual(
      [...log].sort(),
      words(100)
        .flatMap((word) => [`${word}1`, `${word.toUpperCase()}2`])
        .sort(),
    );
    for (const [n, entry] of log.entries())
      if (n % 2 === 0) assert.equal(log[n + 1], `${entry.slice(0, -1).toUpperCase()}2`);
  });

  add('of one instance run one at a time, whoever runs them; each Motion’s in its order', async (place) => {
    const component = new Journal();
    const opened = await Promise.all(times(3, () => openJournal(place, { component })));
    await Promise.all(
      opened.map(async ({ journal }, m) => {
        for (const word of words(10)) await journal.run('add', { word: `${m}${word}` });
      }),
    );
    await Promise.all(opened.map(({ journal }) => journal.flushUpdates()));
    const states = await Promise.all(opened.map(({ journal }) => journal.readState()));
    assert.equal(component.mostOfOne, 1);
    for (const [m, { log, count }] of states.entries()) {
      assert.equal(count, 30);
      assert.deepEqual(
        log.filter((word) => word.startsWith(`${m}`)),
        words(10).map((word) => `${m}${word}`),
      );
    }
  });

  add('of different instances run side by side', async (place) => {
    const { motion, journal, component } = await openJournal(place);
    const other = await motion.instance(Journal, 'b');
    const gate = place.gate();
    component.gates.set('x', gate.opened);
    await Promise.all([journal.run('add', { word: 'x' }), other.run('add', { word: 'x' })]);
    await eventually('both run', () => component.mostInAll === 2);
    gate.open();
    await Promise.all([journal.flushUpdates(), other.flushUpdates()]);
  });

  add('a call made when another Motion’s call was acknowledged comes behind it', async (place) => {
    const [first, second] = [await openJournal(place), await openJournal(place)];
    for (const word of words(6)) {
      await first.journal.run('add', { word });
      await second.journal.run('add', { word: `${word}!` });
    }
    await first.journal.flushUpdates();
    assert.deepEqual(
      await second.journal.readState('log'),
      words(6).flatMap((word) => [word, `${word}!`]),
    );
  });

  add('several of one flow run in the order of their declaration, each on what the last one left', async (place) => {
    const seen: unknown[] = [];
    class Chain extends Component<{ state: { n?: number }; flows: { go: { props: { by: number } } } }> {
      last(state: { n?: number }, { by }: { by: number }): object {
        seen.push(['last', state.n]);
        return { n: (state.n ?? 0) * by };
      }
      first(state: { n?: number }, { by }: { by: number }): object {
        seen.push(['first', state.n]);
        return { n: (state.n ?? 0) + by };
      }
    }
    decorate(Chain, { first: Update('go'), last: Update('go') });
    const chain = await (await place.motion()).instance(Chain, 'a');
    await chain.run('go', { by: 3 });
    await chain.run('go', { by: 2 }, { flushUpdates: true });
    assert.deepEqual(seen, [
      ['first', undefined],
      ['last', 3],
      ['first', 9],
      ['last', 11],
    ]);
    assert.equal(await chain.readState('n'), 22);
  });

  add('change the keys that they return, and no others', async (place) => {
    const { journal, component } = await openJournal(place);
    const patches: (object | undefined)[] = [{ draft: 1 }, { count: 7 }, {}, undefined, { draft: undefined }];
    const states: object[] = [];
    for (const patch of patches) {
      component.patch = () => patch;
      await journal.run('make', {}, { flushUpdates: true });
      states.push(await journal.readState());
    }
    const [first, last] = [
      { log: [], count: 0, draft: 1 },
      { log: [], count: 7, draft: 1 },
    ];
    assert.deepEqual(states, [first, last, last, last, last]);
    assert.equal(await journal.version(), 3);
  });

  add('get the call’s props and its serve’s result, frozen, and are told what they are', async (place) => {
    const { journal, component } = await openJournal(place);
    const given = { list: [1, { two: new Map([['k', new Date(5)]]) }] };
    let seen: unknown;
    component.made = (_, props) => ({ result: props.given });
    component.make = (_: unknown, props: object, context?: UpdateContext) => {
      seen = props;
      assert.throws(() => Object.assign((props as typeof given & { given: typeof given }).given, { x: 1 }), TypeError);
      component.contexts.push(context as UpdateContext);
      return undefined;
    };
    await journal.run('make', { given }, { flushUpdates: true });
    await journal.run('make', { given }, { flushUpdates: true });
    assert.deepEqual(seen, { given, serveResult: { result: given } });
    const [one, two] = component.contexts as UpdateContext[];
    assert.equal(one?.instanceId, 'a');
    assert.equal(one?.componentName, 'Journal');
    assert.equal(one?.flow, 'make');
    assert.equal(one?.attempt, 1);
    assert.equal(one?.signal.aborted, false);
    assert.notEqual(one?.updateId, two?.updateId);
    assert.ok((one?.epoch ?? 0) > 0 && (two?.epoch ?? 0) >= (one?.epoch ?? 0));
  });

  add('come from whoever has them open, and from nobody', async (place) => {
    const off: Motion[] = await Promise.all(times(2, () => place.motion({ updates: 'off' })));
    for (const [m, motion] of off.entries()) {
      const journal = await motion.instance(Journal, 'a');
      for (const word of words(5)) await journal.run('add', { word: `${m}${word}` });
      await motion.close();
    }
    (await place.motion()).register(Journal);
    const { journal } = await openJournal(place, { updates: 'off' });
    await eventually('all are done', async () => (await journal.readState('count')) === 10);
    assert.deepEqual(
      await journal.readState('log'),
      [0, 1].flatMap((m) => words(5).map((word) => `${m}${word}`)),
    );
  });

  add('that wait share commits', async (place) => {
    const off = await openJournal(place, { updates: 'off' });
    await Promise.all(words(200).map((word) => off.journal.run('add', { word })));
    let meter: Metered | undefined;
    await openJournal(place, { through: (store) => (meter = new Metered(store)) });
    await off.journal.flushUpdates();
    assert.equal(await off.journal.readState('count'), 200);
    assert.ok(meter && meter.commits < 100, `200 updates took ${meter?.commits} commits`);
  });

  add('that fail do not keep the next ones from their effect', async (place) => {
    const { journal } = await openJournal(place);
    await journal.run('add', { word: 'before' });
    await journal.run('fail', { word: 'x' });
    await journal.run('add', { word: 'after' });
    await failsBy(journal.flushUpdates(), /no x/);
    assert.deepEqual(await journal.readState('log'), ['before', 'after']);
  });
};
