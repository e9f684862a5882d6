import { type Instance, MotionError, type MotionOptions, msgpackCodec } from '@motion-ts/core';
import { StoreError } from '@motion-ts/core/store';
import { MemoryStore } from '@motion-ts/memory';
import { describe, expect, test } from 'vitest';
import { errorOf, Gate, motionOn, type Place, places, sleep } from '../support/places.js';
import { RecordingStore } from '../support/recording-store.js';
import { Journal, journalOf, motion } from './fixtures.js';
import { Lab } from './lab.js';

interface Bench {
  readonly lab: Lab;
  readonly instance: Instance<Lab>;
  readonly store: RecordingStore;
}

async function bench(place: Place, options: Partial<MotionOptions> = {}, lab = new Lab()): Promise<Bench> {
  const store = place.open();
  const made = motionOn({ open: () => store }, options).register(Lab, () => lab);
  return { lab, store, instance: await made.instance(Lab, 'a') };
}

const memory = (): Place => {
  const store = new MemoryStore();
  return { open: () => new RecordingStore(store) };
};

describe('a serve', () => {
  test.each(places)('answers at once from committed state while an update runs, on $kind', async ({ make }) => {
    const { component, factory } = journalOf();
    const gate = new Gate();
    component.gates.set('b', gate.opened);
    const journal = await motionOn(make()).register(Journal, factory).instance(Journal, 'a');
    await journal.run('add', { word: 'a' }, { flushUpdates: true });
    const last = journal.run('add', { word: 'b' }, { flushUpdates: true });
    await sleep(30);
    const from = performance.now();
    for (let n = 0; n < 20; n++) expect(await journal.run('look')).toEqual(['a']);
    expect(await journal.readState()).toEqual({ log: ['a'], count: 1 });
    expect(await journal.version()).toBe(2);
    expect(performance.now() - from).toBeLessThan(500);
    gate.open();
    await last;
    expect(await journal.run('look')).toEqual(['a', 'b']);
  });

  test('hands on what it passes, the last of it; what is not passed is not there', async () => {
    const { instance } = await bench(memory());
    for (const props of [{}, { pass: 'x' }, { pass: null }, { pass: 0 }, { pass: undefined }])
      expect(await instance.run('passing', props, { flushUpdates: true })).toBe('served');
    expect(await instance.readState('log')).toEqual([
      'false undefined served',
      'true x served',
      'true null served',
      'true 0 served',
      'false undefined served',
    ]);
  });

  test('may give what no store keeps, unless an update is to get it', async () => {
    const { instance } = await bench(memory());
    expect(await errorOf(instance.run('unique'))).toMatchObject({
      code: 'NOT_SERIALIZABLE',
      message: expect.stringMatching(/the serve's result is a symbol/) as string,
    });
    expect(await errorOf(instance.run('passing', { pass: () => 1 }))).toMatchObject({
      code: 'NOT_SERIALIZABLE',
      message: expect.stringMatching(/props\.pass is a function/) as string,
    });
    await instance.flushUpdates();
    expect(await instance.readState('log')).toEqual([]);
  });

  test('that throws rejects with just that, and queues nothing', async () => {
    const { instance, lab } = await bench(memory());
    const error = new Error('mine');
    lab.how['throw'] = () => {
      throw error;
    };
    expect(await errorOf(instance.run('see', { how: 'throw' }))).toBe(error);
    expect((await instance.run('words', { text: 'a b', fail: 1 }).catch((e) => e)) as Error).toBeInstanceOf(RangeError);
    await instance.flushUpdates();
    expect(await instance.readState('log')).toEqual([]);
  });

  test('is bounded by its timeoutMs, and told', async () => {
    const { instance, lab } = await bench(memory());
    expect(await instance.run('quick', { ms: 1 })).toBe('served');
    const from = performance.now();
    expect(await errorOf(instance.run('quick', { ms: 200 }))).toMatchObject({ code: 'TIMEOUT' });
    expect(performance.now() - from).toBeLessThan(150);
    expect(lab.events).toEqual(['over', 'told']);
    await sleep(200);
    await instance.flushUpdates();
    expect(await instance.readState('log')).toEqual(['quick']);
  });
});

describe('props', () => {
  test('are checked by their schema before anything runs, with the path of what is wrong', async () => {
    const { instance, store } = await bench(memory());
    store.forget();
    const error = (await errorOf(instance.run('visit', { who: 'x', at: { x: 'y' } } as never))) as MotionError;
    expect(error).toMatchObject({ code: 'INVALID_PROPS', message: expect.stringMatching(/at\.x: /) as string });
    expect(error.issues?.map(({ path }) => path)).toEqual([['who'], ['at', 'x']]);
    expect(store.commits).toEqual([]);
  });

  test('reach the methods as the schema gives them', async () => {
    const { instance } = await bench(memory());
    expect(await instance.run('visit', { who: 'Eve', at: { x: 1 }, times: '4' }, { flushUpdates: true })).toBe(4);
    expect(await instance.run('visit', { who: 'Ada', at: { x: 1 } }, { flushUpdates: true })).toBe(1);
    expect(await instance.readState('log')).toEqual(['Eve number', 'Ada number']);
  });

  test('may be checked in their own time, also of a flow with updates only', async () => {
    const { instance } = await bench(memory());
    expect(await errorOf(instance.run('slowly', { n: -1 }))).toMatchObject({
      code: 'INVALID_PROPS',
      issues: [{ message: 'too small', path: ['n'] }],
    });
    await instance.run('slowly', { n: 1 }, { flushUpdates: true });
    expect(await instance.readState('log')).toEqual(['slowly']);
  });

  test.each([['text'], [5], [true], [[1]], [() => 1], [Symbol('x')], [1n]])('%o are no props', async (props) => {
    const journal = await motion().instance(Journal, 'a');
    expect(await errorOf(journal.run('add', props as never))).toMatchObject({ code: 'INVALID_PROPS' });
    await journal.flushUpdates();
    expect(await journal.version()).toBe(1);
  });

  test.each([
    [new Map([['word', 'x']])],
    [new Set()],
    [Promise.resolve({ word: 'x' })],
    [new Date()],
    [new Uint8Array(1)],
  ])('%o would be taken for an empty object, so they are refused', async (props) => {
    const journal = await motion().instance(Journal, 'a');
    expect(await errorOf(journal.run('add', props as never))).toMatchObject({ code: 'INVALID_PROPS' });
  });

  test('that no store keeps are refused with their path, and nothing is queued', async () => {
    const journal = await motion().instance(Journal, 'a');
    expect(await errorOf(journal.run('add', { word: { deep: [1, () => 2] } } as never))).toMatchObject({
      code: 'NOT_SERIALIZABLE',
      message: expect.stringMatching(/props\.word\.deep\[1\] is a function/) as string,
    });
    await journal.flushUpdates();
    expect(await journal.version()).toBe(1);
  });

  test('are not the caller’s own object any more', async () => {
    const { instance, lab } = await bench(memory());
    const gate = new Gate();
    lab.gate = gate.opened;
    const props = { word: 'before' };
    await instance.run('note', props);
    props.word = 'after';
    gate.open();
    await instance.flushUpdates();
    expect(await instance.readState('log')).toEqual(['before']);
  });
});

const WAYS: Record<string, (state: never) => unknown> = {
  'a key': (state: { log: unknown }) => {
    state.log = 1;
  },
  'a new key': (state: { x?: number }) => {
    state.x = 1;
  },
  'deleting a key': (state: { log?: unknown }) => delete state.log,
  push: (state: { log: string[] }) => state.log.push('x'),
  'a length': (state: { extra: { list: number[] } }) => {
    state.extra.list.length = 0;
  },
  sort: (state: { extra: { list: number[] } }) => state.extra.list.sort(),
  'deep inside': (state: { extra: { nested: { deep: { n: number } } } }) => state.extra.nested.deep.n++,
  'Map.set': (state: { extra: { map: Map<string, number> } }) => state.extra.map.set('b', 2),
  'Map.delete': (state: { extra: { map: Map<string, number> } }) => state.extra.map.delete('a'),
  'Map.clear': (state: { extra: { map: Map<string, number> } }) => state.extra.map.clear(),
  'Set.add': (state: { extra: { set: Set<string> } }) => state.extra.set.add('b'),
  'Set.delete': (state: { extra: { set: Set<string> } }) => state.extra.set.delete('a'),
  'Set.clear': (state: { extra: { set: Set<string> } }) => state.extra.set.clear(),
  'a date': (state: { extra: { date: Date } }) => state.extra.date.setFullYear(1999),
  'its prototype': (state: object) => Object.setPrototypeOf(state, { evil: true }),
};
const whole = {
  list: [2, 1],
  map: new Map([['a', 1]]),
  set: new Set(['a']),
  date: new Date(0),
  nested: { deep: { n: 1 } },
};

describe.each(places)('the state, on $kind', ({ make }) => {
  test.each(Object.keys(WAYS))('is not to be written to: %s', async (how) => {
    const { instance, lab } = await bench(make());
    lab.how = WAYS;
    expect(await errorOf(instance.run('see', { how }))).toBeInstanceOf(TypeError);
    expect(await errorOf(instance.run('mutate', { how }, { flushUpdates: true }))).toMatchObject({
      code: 'UPDATE_FAILED',
      cause: { name: 'TypeError' },
    });
    const read = await instance.readState();
    expect(() => WAYS[how]?.(read as never)).toThrow(TypeError);
    expect(await instance.readState()).toEqual({ log: [], extra: whole, bytes: new Uint8Array([1, 2, 3]) });
    expect(Object.getPrototypeOf(await instance.readState())).toBe(Object.prototype);
  });

  test('holds bytes that anybody may scribble on, to no effect for others', async () => {
    const { instance, lab } = await bench(make());
    lab.how['scribble'] = (state: { bytes: Uint8Array }) => {
      const seen = [...state.bytes];
      state.bytes.fill(9);
      return seen;
    };
    await instance.run('mutate', { how: 'scribble' }, { flushUpdates: true });
    expect(await instance.run('see', { how: 'scribble' })).toBe('1,2,3');
    expect(await instance.run('see', { how: 'scribble' })).toBe('1,2,3');
    (await instance.readState('bytes'))?.fill(7);
    (await instance.readState()).bytes?.fill(7);
    expect(await instance.readState('bytes')).toEqual(new Uint8Array([1, 2, 3]));
    expect((await instance.readState('bytes'))?.constructor).toBe(Uint8Array);
    expect(await instance.version()).toBe(1);
  });

  test('is what an update returned, not the object itself', async () => {
    const { instance, lab } = await bench(make());
    const mine = { log: ['a'], bytes: new Uint8Array([1]) };
    lab.how['patch'] = () => mine;
    await instance.run('write', { patch: 1 }, { flushUpdates: true });
    mine.log.push('b');
    mine.bytes[0] = 5;
    expect(await instance.readState('log')).toEqual(['a']);
    expect(await instance.readState('bytes')).toEqual(new Uint8Array([1]));
  });
});

describe.each(places)('the cache, on $kind', ({ make }) => {
  test('gives a result again for equal props; the updates are queued all the same', async () => {
    const { instance, lab } = await bench(make(), { updates: 'off' });
    expect(await instance.run('cached', { of: { a: 1, b: [2] } })).toEqual({ n: 1, of: { a: 1, b: [2] } });
    expect(await instance.run('cached', { of: { b: [2], a: 1 } })).toEqual({ n: 1, of: { a: 1, b: [2] } });
    expect(await instance.run('cached', { of: { a: 1, b: ['2'] } })).toMatchObject({ n: 2 });
    expect(lab.calls).toBe(2);
  });

  test('a hit hands the cached result, and what was passed then, to the updates', async () => {
    const { instance } = await bench(make());
    await Promise.all([1, 2].map(() => instance.run('cachedWords', { text: 'a b' })));
    await instance.flushUpdates();
    expect(await instance.readState('log')).toEqual(['a+b', 'a+b']);
    const place = make();
    const off = await bench(place, { updates: 'off' });
    await off.instance.run('cached', { of: 1 });
    await off.instance.run('cached', { of: 1 });
    await (await bench(place)).instance.flushUpdates();
    expect(await off.instance.readState('log')).toEqual(['1 1', '1 1']);
  });

  test('ends with the state’s version, unless the flow says otherwise', async () => {
    const { instance } = await bench(make());
    expect(await instance.run('cachedOnly', { of: 1 })).toBe(1);
    expect(await instance.run('lasting', { of: 1 })).toBe(2);
    expect(await instance.run('cachedOnly', { of: 1 })).toBe(1);
    await instance.writeState({ log: ['changed'] });
    expect(await instance.run('cachedOnly', { of: 1 })).toBe(3);
    expect(await instance.run('lasting', { of: 1 })).toBe(2);
  });

  test('ends with its ttl', async () => {
    const { instance } = await bench(make(), { updates: 'off' });
    await instance.run('cached', { of: 1 });
    expect(await instance.run('cached', { of: 1 })).toMatchObject({ n: 1 });
    await sleep(320);
    expect(await instance.run('cached', { of: 1 })).toMatchObject({ n: 2 });
  });

  test('forceRefresh serves and caches anew, ignoreCache does neither', async () => {
    const { instance } = await bench(make());
    const run = (options?: object): Promise<number> => instance.run('lasting', { of: 1 }, options);
    expect(await run()).toBe(1);
    expect(await run({ ignoreCache: true })).toBe(2);
    expect(await run()).toBe(1);
    expect(await run({ forceRefresh: true })).toBe(3);
    expect(await run()).toBe(3);
  });

  test('is the code version’s, the instance’s and the incarnation’s own', async () => {
    const place = make();
    const { instance } = await bench(place);
    expect(await instance.run('lasting', { of: 1 })).toBe(1);
    class NewerLab extends Lab {
      static readonly componentName = 'Lab';
      static override codeVersion = '2';
    }
    const newer = motionOn(place);
    expect(await (await newer.instance(NewerLab, 'a')).run('lasting', { of: 1 })).toBe(1);
    expect(await (await newer.instance(NewerLab, 'a')).run('lasting', { of: 1 })).toBe(1);
    expect(await (await newer.instance(NewerLab, 'b')).run('lasting', { of: 1 })).toBe(2);
    await newer.clear(NewerLab, 'a');
    expect(await (await newer.instance(NewerLab, 'a')).run('lasting', { of: 1 })).toBe(3);
  });

  test('is shared by processes', async () => {
    const place = make();
    const [one, two] = [await bench(place), await bench(place)];
    expect(await one.instance.run('lasting', { of: 1 })).toBe(1);
    expect(await two.instance.run('lasting', { of: 1 })).toBe(1);
    expect(two.lab.calls).toBe(0);
  });

  test('that fails is a miss, and said in the log', async () => {
    const warned: string[] = [];
    const logger = { debug: () => undefined, error: () => undefined, warn: (text: string) => void warned.push(text) };
    const { instance, store } = await bench(make(), { logger });
    store.before = (method) => {
      if (method.startsWith('cache')) throw new StoreError('unavailable', 'no cache today');
    };
    expect(await instance.run('lasting', { of: 1 })).toBe(1);
    expect(await instance.run('lasting', { of: 1 })).toBe(2);
    expect(warned.join()).toMatch(/Lab\/a: .*could not be read.*Lab\/a: .*could not be cached/);
  });

  test('of damaged bytes is a miss', async () => {
    const { instance, store } = await bench(make());
    const keys: string[] = [];
    store.before = (method, _, key) => {
      if (method === 'cacheSet') keys.push(key as string);
    };
    await instance.run('lasting', { of: 1 });
    await store.inner.cacheSet('Lab/a', keys[0] as string, new Uint8Array([0xc1]), 10_000);
    expect(await instance.run('lasting', { of: 1 })).toBe(2);
  });

  test('keeps streams: a hit gives the chunks', async () => {
    const { instance, lab } = await bench(make());
    const heard: string[] = [];
    for (let n = 0; n < 2; n++) {
      const stream = instance.stream('cachedWords', { text: 'a b c' });
      for await (const word of stream) heard.push(word);
      expect(await stream.result).toEqual(['a', 'b', 'c']);
    }
    expect(heard.join('')).toBe('abcabc');
    expect(await instance.run('cachedWords', { text: 'a b c' })).toEqual(['a', 'b', 'c']);
    expect(lab.calls).toBe(1);
  });

  test('refuses what cannot be told apart or kept, with its path', async () => {
    const { instance, lab } = await bench(make());
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    for (const of of [cycle, () => 1, Symbol('x'), new (class Secret {})()])
      expect(await errorOf(instance.run('lasting', { of }))).toMatchObject({
        code: 'NOT_SERIALIZABLE',
        message: expect.stringMatching(/props\.of/) as string,
      });
    expect(lab.calls).toBe(0);
    expect(await errorOf(instance.run('uncachable'))).toMatchObject({ code: 'NOT_SERIALIZABLE' });
  });
});

describe('streams', () => {
  test.each(places)(
    'give chunks as they come, a result, and queue their updates at the end: $kind',
    async ({ make }) => {
      const { instance } = await bench(make());
      const stream = instance.stream('words', { text: 'a b c' });
      const heard: string[] = [];
      for await (const word of stream) {
        heard.push(word);
        expect(await instance.readState('log')).toEqual([]);
      }
      expect(heard).toEqual(['a', 'b', 'c']);
      expect(await stream.result).toBe(3);
      await instance.flushUpdates();
      expect(await instance.readState('log')).toEqual(['a b c: 3']);
    },
  );

  test('may come from any kind of generator, and result in their chunks', async () => {
    const { instance } = await bench(memory());
    for (const flow of ['bare', 'later', 'sync'] as const) {
      const stream = instance.stream(flow, { text: 'a b' });
      const heard: string[] = [];
      for await (const word of stream) heard.push(word);
      expect(heard).toEqual(['a', 'b']);
      expect(await stream.result).toEqual(['a', 'b']);
      expect(await instance.run(flow, { text: 'a b' })).toEqual(['a', 'b']);
    }
    await instance.flushUpdates();
    expect(await instance.readState('log')).toEqual(['a+b', 'a+b']);
  });

  test('with flushUpdates end when the updates are in the state', async () => {
    const { instance } = await bench(memory());
    for await (const _ of instance.stream('words', { text: 'a' }, { flushUpdates: true }));
    expect(await instance.readState('log')).toEqual(['a: 1']);
  });

  test('left early: the generator is closed and told, nothing is cached or queued', async () => {
    const { instance, lab, store } = await bench(memory());
    const stream = instance.stream('words', { text: 'a b c' });
    for await (const word of stream) if (word === 'b') break;
    expect(lab.events).toEqual(['closed, aborted']);
    expect(await errorOf(stream.result)).toMatchObject({ code: 'ABORTED' });
    for await (const _ of instance.stream('cachedWords', { text: 'x y' })) break;
    expect(store.count('cacheSet')).toBe(0);
    await instance.flushUpdates();
    expect(await instance.readState('log')).toEqual([]);
  });

  test('left early while the generator hangs: the caller is let go', async () => {
    const { instance } = await bench(memory());
    const stream = instance.stream('words', { text: 'a b c', hang: true });
    const iterator = stream[Symbol.asyncIterator]();
    expect(await iterator.next()).toEqual({ done: false, value: 'a' });
    const controller = new AbortController();
    const hanging = instance.stream('words', { text: 'a b', hang: true }, { signal: controller.signal });
    const taking = (async () => {
      for await (const _ of hanging);
    })();
    await sleep(10);
    controller.abort(new Error('enough'));
    expect(await errorOf(taking)).toMatchObject({ code: 'ABORTED', cause: { message: 'enough' } });
    expect(await errorOf(hanging.result)).toMatchObject({ code: 'ABORTED' });
  });

  test('that fail throw what the method threw, after the chunks before it', async () => {
    const { instance } = await bench(memory());
    const stream = instance.stream('words', { text: 'a b c', fail: 2 });
    const heard: string[] = [];
    const error = await errorOf(
      (async () => {
        for await (const word of stream) heard.push(word);
      })(),
    );
    expect(error).toMatchObject({ name: 'RangeError', message: 'failed at 2' });
    expect(await errorOf(stream.result)).toBe(error);
    expect(heard).toEqual(['a', 'b']);
    await instance.flushUpdates();
    expect(await instance.readState('log')).toEqual([]);
  });

  test('of an unknown flow, of one without a serve, with bad props', async () => {
    const { instance } = await bench(memory());
    const first = (flow: string, props: object): Promise<unknown> =>
      instance
        .stream(flow as 'words', props as never)
        [Symbol.asyncIterator]()
        .next();
    expect(await errorOf(first('nope', {}))).toMatchObject({ code: 'UNKNOWN_FLOW' });
    expect(await errorOf(first('note', {}))).toMatchObject({ code: 'UNKNOWN_FLOW' });
    expect(await errorOf(first('words', [] as object))).toMatchObject({ code: 'INVALID_PROPS' });
  });

  test('a result that nobody takes is no unhandled rejection', async () => {
    const { instance } = await bench(memory());
    await errorOf(instance.stream('words', { text: 'a', fail: 0 })[Symbol.asyncIterator]().next());
    await sleep(5);
  });

  test('left before the first chunk has a result that settles', async () => {
    const { instance } = await bench(memory());
    const stream = instance.stream('words', { text: 'a' });
    await stream[Symbol.asyncIterator]().return?.();
    expect(await errorOf(stream.result)).toMatchObject({ code: 'ABORTED' });
  });
});

describe('a signal', () => {
  test('aborted before: nothing runs, nothing is queued', async () => {
    const { component, factory } = journalOf();
    const journal = await motion().register(Journal, factory).instance(Journal, 'a');
    const signal = AbortSignal.abort(new Error('late'));
    expect(await errorOf(journal.run('held', { word: 'x' }, { signal }))).toMatchObject({
      code: 'ABORTED',
      cause: { message: 'late' },
    });
    expect(component.tries).toEqual([]);
    expect(await errorOf(journal.writeState({ count: 9 }, { signal }))).toMatchObject({ code: 'ABORTED' });
    expect(await errorOf(journal.flushUpdates(undefined, { signal }))).toMatchObject({ code: 'ABORTED' });
    await journal.flushUpdates();
    expect(await journal.version()).toBe(1);
  });

  test('during the serve: the caller is let go, the method told, nothing queued', async () => {
    const { component, factory } = journalOf();
    const gate = new Gate();
    component.gates.set('x', gate.opened);
    const journal = await motion().register(Journal, factory).instance(Journal, 'a');
    const controller = new AbortController();
    const run = journal.run('held', { word: 'x' }, { signal: controller.signal });
    await sleep(10);
    expect(component.signals[0]?.aborted).toBe(false);
    controller.abort();
    expect(await errorOf(run)).toMatchObject({ code: 'ABORTED' });
    expect(component.signals[0]?.aborted).toBe(true);
    gate.open();
    await sleep(10);
    await journal.flushUpdates();
    expect(await journal.readState('log')).toEqual([]);
  });

  test('during the flush: the caller is let go, the update goes on', async () => {
    const { component, factory } = journalOf();
    const gate = new Gate();
    component.gates.set('x', gate.opened);
    const journal = await motion().register(Journal, factory).instance(Journal, 'a');
    const controller = new AbortController();
    const { signal } = controller;
    const waits = [
      journal.run('add', { word: 'x' }, { signal, flushUpdates: true }),
      sleep(10).then(() => journal.flushUpdates('add', { signal })),
      sleep(10).then(() => journal.writeState({ draft: 'd' }, { signal })),
    ].map(errorOf);
    await sleep(40);
    controller.abort('why not');
    for (const error of await Promise.all(waits)) expect(error).toMatchObject({ code: 'ABORTED', cause: 'why not' });
    expect(component.signals[0]?.aborted).toBe(false);
    gate.open();
    await journal.flushUpdates();
    expect(await journal.readState()).toEqual({ log: ['x'], count: 1, draft: 'd' });
  });

  test('that never comes leaves no listener behind', async () => {
    const journal = await motion().instance(Journal, 'a');
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    for (let n = 0; n < 5; n++) {
      await journal.run('add', { word: 'x' }, { signal, flushUpdates: true });
      await journal.flushUpdates(undefined, { signal });
      await journal.writeState({ draft: `${n}` }, { signal });
    }
    expect(listeners).toBe(0);
  });
});

describe('codecs', () => {
  test('an instance written with another codec is refused, and stays as it is', async () => {
    const place = memory();
    await (await bench(place)).instance.run('note', { word: 'x' }, { flushUpdates: true });
    const json = {
      name: 'json',
      encode: (value: unknown) => new TextEncoder().encode(JSON.stringify(value)),
      decode: (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes)) as unknown,
    };
    const other = motionOn(place, { codec: json });
    expect(await errorOf(other.instance(Lab, 'a'))).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/'msgpack'.*'json'/) as string,
    });
    expect(await errorOf(other.inspect(Lab, 'a'))).toMatchObject({ code: 'INVALID_OPTIONS' });
    const journal = await other.instance(Journal, 'j');
    await journal.run('add', { word: 'x' }, { flushUpdates: true });
    expect(await journal.readState()).toEqual({ log: ['x'], count: 1 });
    expect(await (await bench(place)).instance.readState('log')).toEqual(['x']);
  });

  test.each(places)(
    'classes with an extension live in state, props, results and the cache: $kind',
    async ({ make }) => {
      const codec = msgpackCodec({
        extensions: [
          { type: 92, class: Money, encode: (m: Money) => m.cents, decode: (cents) => new Money(cents as bigint) },
        ],
      });
      const { instance, lab } = await bench(make(), { codec });
      lab.how['patch'] = () => ({ log: [new Money(12n)] });
      await instance.run('write', { patch: new Money(1n) }, { flushUpdates: true });
      const [money] = (await instance.readState('log')) as unknown as Money[];
      expect(money).toBeInstanceOf(Money);
      expect(money?.cents).toBe(12n);
      expect(await instance.run('lasting', { of: new Money(1n) })).toBe(1);
      expect(await instance.run('lasting', { of: new Money(2n) })).toBe(2);
      expect(await instance.run('lasting', { of: new Money(1n) })).toBe(1);
      const { of } = await instance.run('cached', { of: new Money(3n) });
      expect((of as Money).cents).toBe(3n);
    },
  );
});

class Money {
  readonly #cents: bigint;
  constructor(cents: bigint) {
    this.#cents = cents;
  }
  get cents(): bigint {
    return this.#cents;
  }
}

test('errors are told apart without instanceof', async () => {
  const error = await errorOf((await motion().instance(Journal, 'a')).run('nope' as 'add', {} as never));
  expect(MotionError.is(error)).toBe(true);
  expect(MotionError.is(error, 'UNKNOWN_FLOW')).toBe(true);
  expect(MotionError.is(error, 'CLOSED')).toBe(false);
  expect(String(error)).toContain("'add'");
});
