import assert from 'node:assert/strict';
import { Component, type ComponentClass, InitState } from '@motion-ts/core';
import { all, errorOf, rejects, times } from './checks.js';
import { decorate, Journal, openJournal } from './journal.js';
import type { Group } from './suite.js';

/** Its first state is what the caller gives. */
class Given extends Component<{ params: { state: unknown }; state: { n?: number } }> {
  setup({ state }: { state: unknown }): unknown {
    if (state instanceof Error) throw state;
    return Promise.resolve(state);
  }
}
decorate(Given, { setup: InitState() });

/** Without a first state, without anything. */
class Bare extends Component<{ state: { n?: number } }> {}

class Wants extends Component<{ params: { list: string[] }; state: { first?: string } }> {
  setup({ list }: { list: string[] }): object {
    return { first: list[0] };
  }
}
decorate(Wants, { setup: InitState() });

export const creation: Group = (add) => {
  add('many at once, by several Motions with different params: one InitState takes effect', async (place) => {
    const motions = await Promise.all(times(3, () => place.motion()));
    const journals = await Promise.all(
      motions.flatMap((motion, m) =>
        times(4, (n) => motion.instance(Journal, 'a', { init: { first: `by ${m}, call ${n}` } })),
      ),
    );
    const logs = await Promise.all(journals.map((journal) => journal.readState('log')));
    assert.equal(logs[0]?.length, 1);
    for (const log of logs) assert.deepEqual(log, logs[0]);
    for (const journal of journals) assert.equal(await journal.version(), 1);
  });

  add('an instance that exists keeps its state, whoever opens it with whatever params', async (place) => {
    const first = await openJournal(place);
    await first.journal.run('add', { word: 'x' }, { flushUpdates: true });
    const motion = await place.motion();
    const again = await motion.instance(Journal, 'a', { init: { first: 'other' } });
    assert.deepEqual(await again.readState(), { log: ['x'], count: 1 });
    assert.equal(again.id, 'a');
    assert.equal(again.componentName, 'Journal');
  });

  add('with existing: true nothing is made', async (place) => {
    const motion = await place.motion();
    await rejects(motion.instance(Journal, 'a', { existing: true }), 'INSTANCE_GONE', /Journal\/a/);
    assert.deepEqual(await all(motion.instances(Journal)), []);
    await motion.instance(Journal, 'a', { init: { first: 'x' } });
    const existing = await (await place.motion()).instance(Journal, 'a', { existing: true });
    assert.deepEqual(await existing.readState('log'), ['x']);
  });

  add('params that are missing are named, and nothing is made', async (place) => {
    const motion = await place.motion();
    await rejects(motion.instance(Wants, 'a', {} as never), 'NO_INIT_PARAMS', /Wants\/a/);
    await rejects(motion.inspect(Wants, 'a'), 'INSTANCE_GONE');
    assert.equal(await (await motion.instance(Wants, 'a', { init: { list: ['x'] } })).readState('first'), 'x');
  });

  add('what InitState throws comes as it is; the next caller’s params count', async (place) => {
    const motion = await place.motion();
    const mine = new RangeError('mine');
    assert.equal(await errorOf(motion.instance(Given, 'a', { init: { state: mine } })), mine);
    const given = await motion.instance(Given, 'a', { init: { state: { n: 2 } } });
    assert.deepEqual(await given.readState(), { n: 2 });
  });

  add('what InitState gives must be a state; else nothing is made', async (place) => {
    const motion = await place.motion();
    const bad: readonly [unknown, 'INVALID_PATCH' | 'NOT_SERIALIZABLE', RegExp?][] = [
      [undefined, 'INVALID_PATCH'],
      ['text', 'INVALID_PATCH'],
      [[1], 'INVALID_PATCH'],
      [new Date(), 'INVALID_PATCH'],
      [{ '': 1 }, 'INVALID_PATCH'],
      [JSON.parse('{ "__proto__": 1 }'), 'INVALID_PATCH'],
      [{ n: 1, deep: [{ f: () => 1 }] }, 'NOT_SERIALIZABLE', /Given\/a: state\.deep\[0\]\.f is a function/],
    ];
    for (const [state, code, message] of bad)
      await rejects(motion.instance(Given, 'a', { init: { state } }), code, message);
    await rejects(motion.inspect(Given, 'a'), 'INSTANCE_GONE');
    assert.deepEqual(await all(motion.instances(Given)), []);
  });

  add('a component without InitState begins empty', async (place) => {
    const bare = await (await place.motion()).instance(Bare, 'a');
    assert.deepEqual(await bare.readState(), {});
    await bare.writeState({ n: 1 });
    assert.deepEqual(await bare.readState(), { n: 1 });
  });

  add('a class that cannot be made must be registered', async (place) => {
    class Needs extends Component<{ state: object }> {
      constructor(dependency: { x: number }) {
        super();
        void dependency.x;
      }
    }
    const motion = await place.motion();
    await rejects(motion.instance(Needs as unknown as ComponentClass, 'a'), 'UNKNOWN_COMPONENT', /register\(Needs/);
    motion.register(Needs, () => new Needs({ x: 1 }));
    assert.deepEqual(await (await motion.instance(Needs, 'a')).readState(), {});
  });

  add('an id left out is made, and is new', async (place) => {
    const motion = await place.motion();
    const ids = (await Promise.all(times(5, () => motion.instance(Journal)))).map(({ id }) => id);
    assert.equal(new Set(ids).size, 5);
    assert.deepEqual((await all(motion.instances(Journal))).sort(), ids.sort());
  });

  add('ids that are alike are not the same, and components do not mix', async (place) => {
    const motion = await place.motion();
    const ids = ['a', 'A', 'a ', ' a', 'a/', '/a', 'a/b', 'a%2Fb', '../a', '%', '~', '{a}', '*', '_', "'", '"', '\\'];
    ids.push('\n', '\u0000', 'é', 'e\u0301', '🦊', 'x'.repeat(400));
    await Promise.all(
      ids.map(async (id) => {
        const journal = await motion.instance(Journal, id);
        await journal.run('add', { word: id }, { flushUpdates: true });
        await motion.instance(Bare, id);
      }),
    );
    const other = await place.motion();
    for (const id of ids) assert.deepEqual(await (await other.instance(Journal, id)).readState('log'), [id]);
    for (const id of ids) assert.deepEqual(await (await other.instance(Bare, id)).readState(), {});
    assert.deepEqual((await all(other.instances(Journal))).sort(), ids.sort());
  });

  add('ids that cannot be are refused at every door', async (place) => {
    const motion = await place.motion();
    for (const id of ['', 5, {}, '\ud800', 'x'.repeat(600)] as string[]) {
      await rejects(motion.instance(Journal, id), 'INVALID_ID', /Journal/);
      await rejects(motion.inspect(Journal, id), 'INVALID_ID', /Journal/);
      await rejects(motion.clear(Journal, id), 'INVALID_ID', /Journal/);
    }
    assert.deepEqual(await all(motion.instances(Journal)), []);
  });
};
