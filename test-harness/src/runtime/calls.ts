import assert from 'node:assert/strict';
import { Component, InitState, MotionError, Serve, type State, Update } from '@motion-ts/core';
import { pause } from '../conformance/suite.js';
import { errorOf, eventually, failsBy, rejects, times } from './checks.js';
import { decorate, Journal, openJournal } from './journal.js';
import type { Group } from './suite.js';

interface Visit {
  who: string;
  at: { x: number };
  times?: number | string;
}

/** As zod, valibot and arktype make them. */
const visit = {
  '~standard': {
    version: 1,
    vendor: 'suite',
    validate: async (value: unknown) => {
      const { who, at, times } = value as Partial<Visit>;
      const issues = [
        ...(typeof who === 'string' && who.length > 1 ? [] : [{ message: 'too short', path: ['who'] }]),
        ...(typeof at?.x === 'number' ? [] : [{ message: 'no number', path: ['at', 'x'] }]),
      ];
      return issues.length > 0 ? { issues } : { value: { who: who as string, at, times: Number(times ?? 1) } };
    },
  },
} as const;

class Visits extends Component<{
  state: { log: string[] };
  flows: { visit: { props: Visit; result: unknown }; later: { props: Visit }; quick: { result: string } };
}> {
  readonly signals: AbortSignal[] = [];
  gate: Promise<void> | undefined;

  setup(): object {
    return { log: [] };
  }
  visit(_: unknown, props: Visit): unknown {
    return props.times;
  }
  visited(state: State<Visits>, { who, times }: Visit): object {
    return { log: [...state.log, `${who} ${typeof times}`] };
  }
  async quick(_: unknown, __: unknown, { signal }: { signal: AbortSignal }): Promise<string> {
    this.signals.push(signal);
    await this.gate;
    return 'served';
  }
}
decorate(Visits, {
  setup: InitState(),
  visit: Serve('visit', { props: visit as never }),
  visited: [Update('visit'), Update('later', { props: visit as never }), Update('quick')],
  quick: Serve('quick', { timeoutMs: 400 }),
});

export const calls: Group = (add) => {
  add('props are checked by their schema before anything runs or is queued', async (place) => {
    const motion = await place.motion({ updates: 'off' });
    const visits = await motion.instance(Visits, 'a');
    for (const flow of ['visit', 'later'] as const) {
      const bad = visits.run(flow, { who: 'x', at: { x: 'y' } } as never);
      const { issues } = await rejects(bad, 'INVALID_PROPS', /of Visits\/a: who: too short; at\.x: no number/);
      assert.deepEqual(
        issues?.map(({ path }) => path),
        [['who'], ['at', 'x']],
      );
    }
    assert.equal((await motion.inspect(Visits, 'a')).queued, 0);
  });

  add('methods get what the schema makes of the props', async (place) => {
    const visits = await (await place.motion()).instance(Visits, 'a');
    assert.equal(await visits.run('visit', { who: 'Eve', at: { x: 1 }, times: '4' }), 4);
    assert.equal(await visits.run('visit', { who: 'Ada', at: { x: 1 } }), 1);
    await visits.run('later', { who: 'Bob', at: { x: 1 } });
    await visits.flushUpdates();
    assert.deepEqual(await visits.readState('log'), ['Eve number', 'Ada number', 'Bob number']);
  });

  add('what is no object is no props, and nothing is queued', async (place) => {
    const { motion, journal } = await openJournal(place, { updates: 'off' });
    const given = ['text', 5, true, [1], () => 1, new Map([['word', 'x']]), new Date(), Promise.resolve({ word: 'x' })];
    for (const props of given)
      await rejects(journal.run('add', props as never), 'INVALID_PROPS', /flow 'add' of Journal\/a/);
    assert.equal((await motion.inspect(Journal, 'a')).queued, 0);
  });

  add('props are as they were when the serve ended, however the caller goes on with them', async (place) => {
    const off = await openJournal(place, { updates: 'off' });
    const props = { word: 'before' };
    await off.journal.run('add', props);
    props.word = 'after';
    const { journal } = await openJournal(place);
    await journal.flushUpdates();
    assert.deepEqual(await journal.readState('log'), ['before']);
  });

  add('flows and options that are not there are named', async (place) => {
    const { journal } = await openJournal(place);
    await rejects(journal.run('nope' as 'add', { word: 'x' }), 'UNKNOWN_FLOW', /Journal has no flow 'nope'; .*'add'/);
    await rejects(journal.flushUpdates('nope' as 'add'), 'UNKNOWN_FLOW', /'nope'/);
    await rejects(journal.run('add', { word: 'x' }, 5 as never), 'INVALID_OPTIONS', /flow 'add' of Journal\/a/);
    const error = await errorOf(journal.run('toString' as 'add', { word: 'x' }));
    assert.ok(MotionError.is(error, 'UNKNOWN_FLOW') && !MotionError.is(error, 'CLOSED'));
  });

  add(
    'a serve that takes longer than its timeoutMs is told; the caller is let go, nothing is queued',
    async (place) => {
      const component = new Visits();
      const motion = (await place.motion({ updates: 'off' })).register(Visits, () => component);
      const visits = await motion.instance(Visits, 'a');
      const gate = place.gate();
      component.gate = gate.opened;
      await rejects(visits.run('quick'), 'TIMEOUT', /flow 'quick' of Visits\/a .* 400 ms/);
      assert.equal(component.signals[0]?.aborted, true);
      gate.open();
      await pause(20);
      assert.equal((await motion.inspect(Visits, 'a')).queued, 0);
      assert.equal(await visits.run('quick'), 'served');
      assert.equal((await motion.inspect(Visits, 'a')).queued, 1);
    },
  );

  add('a signal that is aborted already: nothing runs, nothing is queued', async (place) => {
    const { journal, component } = await openJournal(place);
    const signal = AbortSignal.abort(new Error('late'));
    for (const call of [
      journal.run('held', { word: 'x' }, { signal }),
      journal.writeState({ count: 9 }, { signal }),
      journal.flushUpdates(undefined, { signal }),
    ]) {
      const { cause } = await rejects(call, 'ABORTED', /Journal\/a/);
      assert.equal((cause as Error).message, 'late');
    }
    assert.deepEqual(component.tries, []);
    assert.equal(await journal.version(), 1);
  });

  add('a signal during the serve: the caller is let go, the method told, nothing queued', async (place) => {
    const { journal, component } = await openJournal(place);
    const gate = place.gate();
    component.gates.set('x', gate.opened);
    const controller = new AbortController();
    const run = rejects(journal.run('held', { word: 'x' }, { signal: controller.signal }), 'ABORTED');
    await eventually('it has begun', () => component.signals.length === 1);
    assert.equal(component.signals[0]?.aborted, false);
    controller.abort();
    await run;
    assert.equal(component.signals[0]?.aborted, true);
    gate.open();
    await pause(20);
    await journal.flushUpdates();
    assert.deepEqual(await journal.readState('log'), []);
  });

  add('a signal during the flush: the caller is let go, what is queued goes on', async (place) => {
    const { journal, component } = await openJournal(place);
    const gate = place.gate();
    component.gates.set('x', gate.opened);
    const controller = new AbortController();
    const { signal } = controller;
    const waits = [rejects(journal.run('add', { word: 'x' }, { signal, flushUpdates: true }), 'ABORTED')];
    await eventually('the update runs', () => component.tries.includes('x'));
    waits.push(rejects(journal.flushUpdates('add', { signal }), 'ABORTED'));
    waits.push(rejects(journal.writeState({ draft: 'd' }, { signal }), 'ABORTED'));
    const { motion } = await openJournal(place, { updates: 'off' });
    await eventually('all is queued', async () => (await motion.inspect(Journal, 'a')).queued === 2);
    controller.abort('why not');
    await Promise.all(waits);
    assert.equal(component.signals[0]?.aborted, false);
    gate.open();
    await journal.flushUpdates();
    assert.deepEqual(await journal.readState(), { log: ['x'], count: 1, draft: 'd' });
  });

  add('onError hears of every failed try, with what it belongs to', async (place) => {
    const told: unknown[] = [];
    const { journal } = await openJournal(place, {
      onError: (error, info) => void told.push([(error as Error).message, info]),
    });
    await failsBy(journal.run('fail', { word: 'x' }, { flushUpdates: true }), /no x/);
    const info = { componentName: 'Journal', instanceId: 'a', flow: 'fail', update: 'tryHard' };
    assert.deepEqual(
      told,
      times(3, (n) => ['no x', { ...info, dead: n === 2 }]),
    );
  });
};
