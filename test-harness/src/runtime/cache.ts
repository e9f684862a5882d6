import assert from 'node:assert/strict';
import {
  Component,
  type FlowContext,
  InitState,
  type Instance,
  type Motion,
  Serve,
  type State,
  Update,
} from '@motion-ts/core';
import { pause } from '../conformance/suite.js';
import { all, rejects } from './checks.js';
import { decorate } from './journal.js';
import type { Place, ProcessOptions } from './place.js';
import type { Group } from './suite.js';

/** Every serve gives a new number: one that comes twice was kept. */
class Numbers extends Component<{
  state: { log: string[] };
  flows: {
    next: { props: { of?: unknown }; result: number; passed: { n: number } };
    lasting: { props: { of?: unknown }; result: number };
    brief: { props: { of?: unknown }; result: number };
    words: { props: { text: string }; chunk: string };
    secret: { result: unknown };
  };
}> {
  served = 0;

  setup(): object {
    return { log: [] };
  }
  next(_: unknown, __: unknown, context: FlowContext): number {
    context.pass({ n: ++this.served });
    return this.served;
  }
  async *words(_: unknown, { text }: { text: string }): AsyncGenerator<string, void> {
    this.served++;
    yield* text.split(' ');
  }
  secret(): unknown {
    return () => 1;
  }
  note(state: State<Numbers>, { serveResult, passed }: { serveResult: number; passed: { n: number } }): object {
    return { log: [...state.log, `${serveResult} ${passed.n}`] };
  }
}
const LONG = { ttlMs: 600_000 };
decorate(Numbers, {
  setup: InitState(),
  next: [
    Serve('next', { cache: LONG }),
    Serve('lasting', { cache: { ...LONG, scope: 'any-version' } }),
    Serve('brief', { cache: { ttlMs: 50 } }),
  ],
  words: Serve('words', { cache: LONG }),
  secret: Serve('secret', { cache: LONG }),
  note: Update('next'),
});

class NewerNumbers extends Numbers {
  static readonly componentName = 'Numbers';
  static readonly codeVersion = '2';
}

async function open(
  place: Place,
  options: ProcessOptions = {},
): Promise<{ motion: Motion; numbers: Instance<Numbers>; component: Numbers }> {
  const component = new Numbers();
  const motion = (await place.motion(options)).register(Numbers, () => component);
  return { motion, component, numbers: await motion.instance(Numbers, 'a') };
}

export const cache: Group = (add) => {
  add('equal props get the result that was kept, in any Motion; others do not', async (place) => {
    const [one, two] = [await open(place), await open(place)];
    assert.equal(await one.numbers.run('lasting', { of: { a: 1, b: [2, new Date(0)] } }), 1);
    assert.equal(await one.numbers.run('lasting', { of: { b: [2, new Date(0)], a: 1 } }), 1);
    assert.equal(await two.numbers.run('lasting', { of: { b: [2, new Date(0)], a: 1 } }), 1);
    assert.equal(two.component.served, 0);
    for (const of of [{ a: 1, b: ['2', new Date(0)] }, { a: 1, b: [2, 0] }, { a: 1n }, undefined, null, 'a', new Map()])
      await one.numbers.run('lasting', { of });
    assert.equal(one.component.served, 8);
  });

  add('a hit queues the updates all the same, with what was kept', async (place) => {
    const off = await open(place, { updates: 'off' });
    assert.equal(await off.numbers.run('next', { of: 1 }), 1);
    assert.equal(await off.numbers.run('next', { of: 1 }), 1);
    await open(place);
    await off.numbers.flushUpdates();
    assert.deepEqual(await off.numbers.readState('log'), ['1 1', '1 1']);
  });

  add('a result ends with the state’s version, unless the flow says otherwise', async (place) => {
    const { numbers } = await open(place);
    assert.equal(await numbers.run('lasting', {}), 1);
    assert.deepEqual(await all(numbers.stream('words', { text: 'a b' })), ['a', 'b']);
    assert.deepEqual(await all(numbers.stream('words', { text: 'a b' })), ['a', 'b']);
    assert.deepEqual(await numbers.run('words', { text: 'a b' }), ['a', 'b']);
    await numbers.writeState({ log: ['changed'] });
    assert.deepEqual(await all(numbers.stream('words', { text: 'a b' })), ['a', 'b']);
    assert.equal(await numbers.run('lasting', {}), 1);
    assert.equal(await numbers.run('lasting', {}, { ignoreCache: true }), 4);
  });

  add('a result ends with its ttl', async (place) => {
    const { numbers } = await open(place);
    const first = await numbers.run('brief', {});
    // A store may be a second late.
    await pause(1_100);
    assert.equal(await numbers.run('brief', {}), first + 1);
  });

  add('forceRefresh serves and keeps anew, ignoreCache does neither', async (place) => {
    const { numbers } = await open(place);
    const run = (options?: object): Promise<number> => numbers.run('lasting', {}, options);
    assert.deepEqual([await run(), await run({ ignoreCache: true }), await run()], [1, 2, 1]);
    assert.deepEqual([await run({ forceRefresh: true }), await run()], [3, 3]);
  });

  add('what is kept is the instance’s own, its life’s and its code’s', async (place) => {
    const { motion, numbers } = await open(place);
    assert.equal(await numbers.run('lasting', {}), 1);
    assert.equal(await (await motion.instance(Numbers, 'b')).run('lasting', {}), 2);
    await motion.clear(Numbers, 'a');
    assert.equal(await (await motion.instance(Numbers, 'a')).run('lasting', {}), 3);
    const newer = await (await place.motion()).instance(NewerNumbers, 'a');
    assert.equal(await newer.run('lasting', {}), 1);
    assert.equal(await (await motion.instance(Numbers, 'a')).run('lasting', {}), 3);
  });

  add('props and results that cannot be kept are refused, with their path', async (place) => {
    const { numbers, component } = await open(place);
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    for (const of of [cycle, () => 1, Symbol('x'), new (class Secret {})()])
      await rejects(numbers.run('lasting', { of }), 'NOT_SERIALIZABLE', /'lasting' of Numbers\/a: props\.of/);
    assert.equal(component.served, 0);
    await rejects(numbers.run('secret'), 'NOT_SERIALIZABLE', /'secret' of Numbers\/a/);
  });
};
