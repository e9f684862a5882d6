import assert from 'node:assert/strict';
import { errorOf, eventually, rejects, times } from './checks.js';
import { Journal, openJournal } from './journal.js';
import type { Group } from './suite.js';

interface Rich {
  readonly draft: {
    list: number[];
    map: Map<string, number[]>;
    set: Set<string>;
    date: Date;
    nested: { deep: { n?: number } };
  };
}
const rich = (): Rich => ({
  draft: {
    list: [2, 1],
    map: new Map([['a', [1]]]),
    set: new Set(['a']),
    date: new Date(0),
    nested: { deep: { n: 1 } },
  },
});
/** Ways to write to a state. */
const WRITES: Record<string, (state: Rich) => unknown> = {
  'a key': (state) => Object.assign(state, { log: [] }),
  'a new key': (state) => Object.assign(state, { x: 1 }),
  'deleting a key': (state) => Reflect.deleteProperty(state, 'draft') || thrown('it stays'),
  'its prototype': (state) => Object.setPrototypeOf(state, { evil: true }),
  push: ({ draft }) => draft.list.push(3),
  sort: ({ draft }) => draft.list.sort(),
  'deep inside': ({ draft }) => Object.assign(draft.nested.deep, { n: 2 }),
  'Map.set': ({ draft }) => draft.map.set('b', []),
  'inside a Map': ({ draft }) => draft.map.get('a')?.push(2),
  'Map.clear': ({ draft }) => draft.map.clear(),
  'Set.add': ({ draft }) => draft.set.add('b'),
  'Set.delete': ({ draft }) => draft.set.delete('a'),
  'a date': ({ draft }) => draft.date.setFullYear(1999),
};
function thrown(message: string): never {
  throw new TypeError(message);
}

export const serves: Group = (add) => {
  add('a serve waits for no update, and sees the last committed state', async (place) => {
    const { journal, component } = await openJournal(place);
    const other = await openJournal(place);
    const gate = place.gate();
    for (const { gates } of [component, other.component]) gates.set('held', gate.opened);
    await journal.run('add', { word: 'a' }, { flushUpdates: true });
    const last = journal.run('add', { word: 'held' }, { flushUpdates: true });
    await eventually('the update begins', () => component.tries.includes('held') || other.component.tries.length > 0);
    for (const handle of [journal, other.journal]) {
      assert.deepEqual(await handle.run('look'), ['a']);
      assert.deepEqual(await handle.readState(), { log: ['a'], count: 1 });
      assert.equal(await handle.version(), 2);
    }
    gate.open();
    await last;
    for (const handle of [journal, other.journal]) assert.deepEqual(await handle.run('look'), ['a', 'held']);
  });

  add('serves of one instance run side by side', async (place) => {
    const { journal, component } = await openJournal(place);
    const gate = place.gate();
    component.gates.set('x', gate.opened);
    const running = times(20, () => journal.run('held', { word: 'x' }));
    await eventually('all have begun', () => component.tries.length === 20);
    gate.open();
    assert.equal((await Promise.all(running)).length, 20);
  });

  add('a serve under way keeps its snapshot', async (place) => {
    const { journal, component } = await openJournal(place);
    const gate = place.gate();
    component.gates.set('x', gate.opened);
    const held = journal.run('held', { word: 'x' });
    await eventually('it has begun', () => component.tries.length === 1);
    await journal.run('add', { word: 'new' }, { flushUpdates: true });
    gate.open();
    assert.deepEqual(await held, [0, 0]);
    await journal.flushUpdates();
    assert.deepEqual(await journal.readState('log'), ['new', 'x']);
  });

  add('the state is frozen through and through, for serves, updates and readers', async (place) => {
    const { journal, component } = await openJournal(place);
    await journal.writeState(rich());
    for (const [how, write] of Object.entries(WRITES)) {
      component.sight = (state) => write(state as never);
      component.patch = (state) => write(state as never);
      assert.ok((await errorOf(journal.run('see', {}))) instanceof TypeError, `a serve may write: ${how}`);
      const failed = await rejects(journal.run('make', {}, { flushUpdates: true }), 'UPDATE_FAILED');
      assert.equal((failed.cause as Error).name, 'TypeError', `an update may write: ${how}`);
      const read = await journal.readState();
      assert.throws(() => write(read as never), TypeError, `a reader may write: ${how}`);
    }
    assert.deepEqual(await journal.readState(), { log: [], count: 0, ...rich() });
    const other = await openJournal(place);
    assert.deepEqual(await other.journal.readState(), { log: [], count: 0, ...rich() });
  });

  add('bytes in the state are everybody’s own copy', async (place) => {
    const { journal, component } = await openJournal(place);
    const mine = new Uint8Array([1, 2, 3]);
    await journal.writeState({ bytes: mine });
    mine.fill(9);
    component.sight = component.patch = (state) => {
      const seen = [...(state.bytes ?? [])];
      state.bytes?.fill(8);
      component.tries.push(seen.join());
    };
    await journal.run('see');
    await journal.run('make', {}, { flushUpdates: true });
    await journal.run('see');
    (await journal.readState('bytes'))?.fill(7);
    (await journal.readState()).bytes?.fill(7);
    assert.deepEqual(new Set(component.tries), new Set(['1,2,3']));
    assert.deepEqual(await journal.readState('bytes'), new Uint8Array([1, 2, 3]));
  });

  add('what a serve throws comes as it is, and queues nothing', async (place) => {
    const { motion, journal, component } = await openJournal(place, { updates: 'off' });
    const mine = new Error('mine');
    component.made = () => {
      throw mine;
    };
    assert.equal(await errorOf(journal.run('make', {})), mine);
    component.made = () => Promise.reject(mine);
    assert.equal(await errorOf(journal.run('make', {})), mine);
    assert.equal((await motion.inspect(Journal, 'a')).queued, 0);
  });

  add('what a serve passes gets to its updates, the last of it; what it does not pass is not there', async (place) => {
    const { journal } = await openJournal(place);
    for (const props of [{}, { pass: 'x' }, { pass: null }, { pass: 0 }, { pass: undefined }])
      assert.equal(await journal.run('pass', props), 'served');
    await journal.flushUpdates();
    assert.deepEqual(await journal.readState('log'), [
      'false undefined served',
      'true x served',
      'true null served',
      'true 0 served',
      'false undefined served',
    ]);
  });

  add('a method of several flows is told which one it serves, of what', async (place) => {
    const { journal } = await openJournal(place, { id: 'b/ü' });
    assert.equal(await journal.run('either', { word: 'x' }), 'Journal b/ü either x');
    assert.equal(await journal.run('or', { word: 'y' }), 'Journal b/ü or y');
    await journal.flushUpdates();
    assert.deepEqual(await journal.readState('log'), ['either: Journal b/ü either x', 'or: Journal b/ü or y']);
  });

  add('a result may be what no store keeps, unless an update is to get it', async (place) => {
    const { journal, component } = await openJournal(place);
    const result = { f: () => 1 };
    component.sight = component.made = () => result;
    assert.equal(await journal.run('see'), result);
    await rejects(
      journal.run('make'),
      'NOT_SERIALIZABLE',
      /flow 'make' of Journal\/a: the serve's result\.f is a function/,
    );
    await journal.flushUpdates();
    assert.equal(await journal.version(), 1);
  });

  add('a flow without a serve results in nothing; an update may run a flow of its own instance', async (place) => {
    const { journal, component } = await openJournal(place);
    component.patch = async () => void (await journal.run('add', { word: 'from inside' }));
    assert.equal(await journal.run('fail', { word: 'x', times: 0 }), undefined);
    await journal.run('make', {}, { flushUpdates: true });
    await journal.flushUpdates();
    assert.deepEqual(await journal.readState('log'), ['x', 'from inside']);
  });
};
