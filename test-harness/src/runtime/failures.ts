import assert from 'node:assert/strict';
import { Component, InitState, Serve, type State, Update, type UpdateContext } from '@motion-ts/core';
import { pause } from '../conformance/suite.js';
import { eventually, failsBy, onlyDeadLetter, rejects } from './checks.js';
import { decorate, openJournal } from './journal.js';
import type { Group } from './suite.js';

/** Its updates fail, hang and throw what one should not throw. */
class Trouble extends Component<{
  state: { log: string[] };
  flows: {
    never: Record<never, never>;
    brief: { props: { hang: number } };
    note: { props: { word: string } };
    throws: { props: { what: string } };
  };
}> {
  readonly contexts: UpdateContext[] = [];
  readonly signals: AbortSignal[] = [];
  readonly startedAt: number[] = [];
  gate: Promise<void> | undefined;

  setup(): object {
    return { log: [] };
  }
  never(_: unknown, __: unknown, context: UpdateContext): void {
    this.startedAt.push(performance.now());
    this.contexts.push(context);
    throw new Error('never');
  }
  async brief(state: State<Trouble>, { hang }: { hang: number }, context: UpdateContext): Promise<object> {
    this.contexts.push(context);
    this.signals.push(context.signal as AbortSignal);
    if (context.attempt <= hang) await this.gate;
    return { log: [...state.log, `try ${context.attempt}`] };
  }
  note(state: State<Trouble>, { word }: { word: string }): object {
    return { log: [...state.log, word] };
  }
  throws(_: unknown, { what }: { what: string }): void {
    throw THROWN[what];
  }
}
decorate(Trouble, {
  setup: InitState(),
  never: Update('never', { retry: { attempts: 4, backoffMs: 40, maxBackoffMs: 100 } }),
  brief: Update('brief', { timeoutMs: 200, retry: { attempts: 2, backoffMs: 5 } }),
  note: Update('note'),
  throws: Update('throws', { retry: { attempts: 1 } }),
});

/** The same component without its updates, as an older release would be. */
class Older extends Component<{ state: { log: string[] }; flows: { note: { result: number } } }> {
  static readonly componentName = 'Trouble';
  note(): number {
    return 0;
  }
}
decorate(Older, { note: Serve('note') });

const loop = new Error('loop');
loop.cause = loop;
const THROWN: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  null: null,
  text: 'text',
  object: { code: 7 },
  symbol: Symbol('x'),
  frozen: Object.freeze(new Error('frozen')),
  getter: Object.defineProperty(new Error('x'), 'message', {
    get() {
      throw new Error('not even its message');
    },
  }),
  huge: new Error('x'.repeat(2_000_000)),
  surrogate: Object.assign(new Error('\ud800'), { name: '\ud800', code: '\udc00' }),
  loop,
};

export const failures: Group = (add) => {
  add('an update that fails is tried again in its place', async (place) => {
    const { journal, component } = await openJournal(place);
    await journal.run('fail', { word: 'a', times: 2 });
    await journal.run('add', { word: 'b' });
    await journal.flushUpdates();
    assert.deepEqual(await journal.readState('log'), ['a', 'b']);
    assert.deepEqual(component.tries, ['a', 'a', 'a', 'b']);
  });

  add('tries are counted and wait ever longer, up to the most, under one update id', async (place) => {
    const component = new Trouble();
    const motion = (await place.motion()).register(Trouble, () => component);
    const trouble = await motion.instance(Trouble, 'a');
    await failsBy(trouble.run('never', {}, { flushUpdates: true }), /never/);
    const { contexts, startedAt } = component;
    assert.deepEqual(
      contexts.map(({ attempt }) => attempt),
      [1, 2, 3, 4],
    );
    assert.equal(new Set(contexts.map(({ updateId }) => updateId)).size, 1);
    for (const [n, least] of [40, 80, 100].entries()) {
      const waited = (startedAt[n + 1] ?? 0) - (startedAt[n] ?? 0);
      // A timer may come a little early.
      assert.ok(waited >= least - 5, `the wait after try ${n + 1} was ${waited} ms, not ${least}`);
    }
    const epochs = contexts.map(({ epoch }) => epoch);
    assert.deepEqual(
      epochs,
      [...epochs].sort((a, b) => a - b),
    );
  });

  add('tries go on where the last process left them', async (place) => {
    const [first, second] = [new Trouble(), new Trouble()];
    const motion = (await place.motion()).register(Trouble, () => first);
    await (await motion.instance(Trouble, 'a')).run('never');
    await eventually('a try failed', () => first.contexts.length > 0);
    const watching = await (await place.motion({ updates: 'off' })).instance(Trouble, 'a');
    await motion.close();
    (await place.motion()).register(Trouble, () => second);
    await eventually('it is given up', async () => (await watching.deadLetters()).length === 1);
    assert.equal((await onlyDeadLetter(watching)).tries, 4);
    assert.deepEqual(
      [...first.contexts, ...second.contexts].map(({ attempt }) => attempt),
      [1, 2, 3, 4],
    );
  });

  add('the Motion’s own retry counts where an update names none', async (place) => {
    const { journal, component } = await openJournal(place, { retry: { attempts: 5, backoffMs: 1 } });
    component.keep = async () => {
      component.tries.push('try');
      throw new Error('no');
    };
    await failsBy(journal.run('add', { word: 'x' }, { flushUpdates: true }), /no/);
    assert.equal(component.tries.length, 5);
  });

  add(
    'an update that takes longer than its timeoutMs is told and tried again; what it gives late is void',
    async (place) => {
      const component = new Trouble();
      const motion = (await place.motion()).register(Trouble, () => component);
      const trouble = await motion.instance(Trouble, 'a');
      const gate = place.gate();
      component.gate = gate.opened;
      await trouble.run('brief', { hang: 1 });
      await trouble.run('note', { word: 'next' });
      await trouble.flushUpdates();
      assert.deepEqual(await trouble.readState('log'), ['try 2', 'next']);
      assert.deepEqual(
        component.signals.map(({ aborted }) => aborted),
        [true, false],
      );
      const error = await rejects(trouble.run('brief', { hang: 2 }, { flushUpdates: true }), 'UPDATE_FAILED');
      assert.equal((error.cause as { code?: string }).code, 'TIMEOUT');
      assert.match((error.cause as Error).message, /update 'brief' of flow 'brief' of Trouble\/a .* 200 ms/);
      gate.open();
      await pause(50);
      assert.deepEqual(await trouble.readState('log'), ['try 2', 'next']);
    },
  );

  add('a patch that cannot be stored is a dead letter at once, and leaves no trace', async (place) => {
    const { journal, component } = await openJournal(place, { retry: { attempts: 3 } });
    const bad: readonly [patch: unknown, code: string, message: RegExp][] = [
      [7, 'INVALID_PATCH', /update 'make' of flow 'make' of Journal\/a/],
      [[1], 'INVALID_PATCH', /an array/],
      [{ count: 5, '': 1 }, 'INVALID_PATCH', /state key/],
      [{ count: 5, draft: { deep: [() => 1] } }, 'NOT_SERIALIZABLE', /state\.draft\.deep\[0\] is a function/],
      [{ count: 5, log: Promise.resolve([]) }, 'NOT_SERIALIZABLE', /state\.log is a Promise/],
    ];
    for (const [patch, code, message] of bad) {
      component.patch = () => patch;
      const { cause } = await rejects(journal.run('make', {}, { flushUpdates: true }), 'UPDATE_FAILED');
      assert.equal((cause as { code?: string }).code, code);
      assert.match((cause as Error).message, message);
    }
    assert.deepEqual(await journal.readState(), { log: [], count: 0 });
    assert.deepEqual(
      (await journal.deadLetters()).map(({ tries }) => tries),
      [1, 1, 1, 1, 1],
    );
  });

  add('anything may be thrown', async (place) => {
    const trouble = await (await place.motion()).instance(Trouble, 'a');
    for (const what of Object.keys(THROWN))
      await rejects(trouble.run('throws', { what }, { flushUpdates: true }), 'UPDATE_FAILED', /Trouble\/a/);
    await trouble.run('note', { word: 'fine' }, { flushUpdates: true });
    assert.deepEqual(await trouble.readState(), { log: ['fine'] });
    assert.equal((await trouble.deadLetters()).length, Object.keys(THROWN).length);
  });

  add('an update that the class no longer has is a dead letter, redriven when it is back', async (place) => {
    const off = await (await place.motion({ updates: 'off' })).instance(Trouble, 'a');
    await off.run('note', { word: 'x' });
    const older = (await place.motion({ retry: { attempts: 1 } })).register(Older);
    await eventually('it is given up', async () => (await off.deadLetters()).length === 1);
    const letter = await onlyDeadLetter(off);
    assert.equal(letter.error.code, 'UNKNOWN_UPDATE');
    assert.match(letter.error.message, /Trouble\/a: .*'note'/);
    await older.close();
    const trouble = await (await place.motion()).instance(Trouble, 'a');
    await trouble.redrive(letter.id);
    await trouble.flushUpdates();
    assert.deepEqual(await trouble.readState('log'), ['x']);
  });
};
