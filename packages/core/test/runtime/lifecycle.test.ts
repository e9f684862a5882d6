import { Component, InitState, Motion, Serve, type State, StoreError, Update } from '@motion-ts/core';
import { MemoryStore } from '@motion-ts/memory';
import { describe, expect, test } from 'vitest';
import { errorOf, Gate, motionOn, type Place, places, silent, sleep, until } from '../support/places.js';
import { RecordingStore } from '../support/recording-store.js';
import { Journal, journalOf, motion } from './fixtures.js';

class Slow extends Component<{ params: { n: number }; state: { n: number } }> {
  static made = 0;
  @InitState() async setup({ n }: { n: number }) {
    Slow.made++;
    await sleep(20);
    return { n };
  }
}

async function idsOf(all: AsyncIterable<string>): Promise<string[]> {
  const ids: string[] = [];
  for await (const id of all) ids.push(id);
  return ids.sort();
}

describe.each(places)('making instances on $kind', ({ make }) => {
  test('many at once, with different params: one InitState takes effect', async () => {
    const place = make();
    const motions = Array.from({ length: 4 }, () => motionOn(place));
    Slow.made = 0;
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (motions[n % 4] as Motion).instance(Slow, 'a', { init: { n } })),
    );
    const states = await Promise.all(all.map((one) => one.readState('n')));
    expect(new Set(states).size).toBe(1);
    expect(await all[0]?.version()).toBe(1);
    expect(Slow.made).toBeLessThanOrEqual(4);
    expect(await (await motionOn(place).instance(Slow, 'a', { init: { n: 99 } })).readState('n')).toBe(states[0]);
  });

  test('the first caller’s params fail: the next one’s count', async () => {
    const made = motionOn(make());
    const [bad, good] = await Promise.allSettled([
      made.instance(Slow, 'a', { init: { n: (() => 1) as never } }),
      made.instance(Slow, 'a', { init: { n: 2 } }),
    ]);
    expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'NOT_SERIALIZABLE' } });
    expect(await (good as PromiseFulfilledResult<{ readState(key: 'n'): Promise<number> }>).value.readState('n')).toBe(
      2,
    );
  });

  test('an id left out is made; instances lists all, of this component only', async () => {
    const made = motionOn(make());
    const one = await made.instance(Journal);
    const two = await made.instance(Journal);
    expect(one.id).not.toBe(two.id);
    const odd = ['a/b', '../c', 'Ü', '🦊', ' ', '%41', 'x'.repeat(400)];
    for (const id of odd) await made.instance(Journal, id);
    await made.instance(Slow, 'elsewhere', { init: { n: 1 } });
    expect(await idsOf(made.instances(Journal))).toEqual([one.id, two.id, ...odd].sort());
    expect(await idsOf(made.instances(Slow))).toEqual(['elsewhere']);
  });

  test('more instances than a page of the store holds are all listed', async () => {
    const made = motionOn(make(), { updates: 'off' });
    const ids = Array.from({ length: 1_100 }, (_, n) => `i${n}`);
    await Promise.all(ids.map((id) => made.instance(Journal, id)));
    expect(await idsOf(made.instances(Journal))).toEqual([...ids].sort());
  });

  test.each<[unknown, string]>([
    ['', 'INVALID_ID'],
    [5, 'INVALID_ID'],
    [{}, 'INVALID_ID'],
    [null, 'INVALID_ID'],
    ['\ud800', 'INVALID_ID'],
    ['x'.repeat(600), 'INVALID_ID'],
  ])('with the id %j: %s, from every door', async (id, code) => {
    const made = motionOn(make());
    // An id that is left out is no bad id.
    if (id !== null) expect(await errorOf(made.instance(Journal, id as string))).toMatchObject({ code });
    expect(await errorOf(made.inspect(Journal, id as string))).toMatchObject({ code });
    expect(await errorOf(made.clear(Journal, id as string))).toMatchObject({ code });
    expect(await idsOf(made.instances(Journal))).toEqual([]);
  });

  test('ids that are alike are not the same', async () => {
    const made = motionOn(make());
    const ids = [
      'a',
      'A',
      'a ',
      ' a',
      'a/',
      '/a',
      'é',
      'e\u0301',
      "'",
      '"',
      '\\',
      '\n',
      '\u0000',
      '%',
      '~',
      'a%2Fb',
      'a/b',
    ];
    for (const id of ids) await (await made.instance(Journal, id)).run('add', { word: id }, { flushUpdates: true });
    for (const id of ids) expect(await (await made.instance(Journal, id)).readState('log')).toEqual([id]);
  });
});

describe('making instances', () => {
  test('what InitState gives must be a state; else nothing is made', async () => {
    for (const [given, code] of [
      [undefined, 'INVALID_PATCH'],
      [[1], 'INVALID_PATCH'],
      [new Date(), 'INVALID_PATCH'],
      ['text', 'INVALID_PATCH'],
      [{ f: () => 1 }, 'NOT_SERIALIZABLE'],
      [{ '': 1 }, 'INVALID_PATCH'],
      [JSON.parse('{"__proto__": 1}'), 'INVALID_PATCH'],
      [{ ['x'.repeat(1_001)]: 1 }, 'INVALID_PATCH'],
    ] as const) {
      class Odd extends Component {
        @InitState() setup(): object {
          return given as object;
        }
      }
      const made = motion();
      expect(await errorOf(made.instance(Odd, 'a'))).toMatchObject({ code });
      expect(await idsOf(made.instances(Odd))).toEqual([]);
    }
  });

  test('what InitState throws comes as it is; params that are missing are named', async () => {
    class Wants extends Component<{ params: { list: string[] }; state: { first: string } }> {
      @InitState() setup({ list }: { list: string[] }) {
        return { first: list[0] as string };
      }
    }
    const made = motion();
    expect(await errorOf(made.instance(Wants, 'a', { init: { list: null as never } }))).toBeInstanceOf(TypeError);
    expect(await errorOf(made.instance(Wants, 'a', undefined as never))).toMatchObject({ code: 'NO_INIT_PARAMS' });
    expect(await errorOf(made.instance(Wants, 'a', { existing: true }))).toMatchObject({ code: 'INSTANCE_GONE' });
    await made.instance(Wants, 'a', { init: { list: ['x'] } });
    expect(await (await made.instance(Wants, 'a', { existing: true })).readState('first')).toBe('x');
    expect(await (await made.instance(Wants, 'a', { init: { list: ['y'] } })).readState('first')).toBe('x');
  });

  test('a class whose constructor wants something must be registered', async () => {
    class Needs extends Component {
      constructor(readonly dependency: { x: number }) {
        super();
        void dependency.x;
      }
      @Serve() x() {
        return this.dependency.x;
      }
    }
    const made = motion();
    expect(await errorOf(made.instance(Needs as never, 'a'))).toMatchObject({ code: 'UNKNOWN_COMPONENT' });
    made.register(Needs as never, () => new Needs({ x: 5 }) as never);
    expect(await (await made.instance(Needs as never, 'a')).run('x' as never)).toBe(5);
    const wrong = motion();
    wrong.register(Journal, () => ({}) as Journal);
    expect(await errorOf(wrong.instance(Journal, 'a'))).toMatchObject({ code: 'INVALID_COMPONENT' });
  });

  test('two classes of one name, no class, and too late', async () => {
    class Other extends Component {
      static readonly componentName = 'Journal';
    }
    const made = motion();
    await made.instance(Journal, 'a');
    expect(() => made.register(Other)).toThrow(expect.objectContaining({ code: 'DUPLICATE_COMPONENT' }) as Error);
    expect(() => made.register(Journal, () => new Journal())).toThrow(
      expect.objectContaining({ code: 'DUPLICATE_COMPONENT' }) as Error,
    );
    made.register(Journal);
    for (const none of [undefined, null, {}, class {}, Component])
      expect(() => made.register(none as never)).toThrow(
        expect.objectContaining({ code: 'INVALID_COMPONENT' }) as Error,
      );
  });

  test.each([
    [undefined],
    [{}],
    [{ store: {} }],
    [{ store: new MemoryStore(), updates: 'on' }],
    [{ store: new MemoryStore(), lease: { ttlMs: 5 } }],
    [{ store: new MemoryStore(), lease: { ttlMs: '5000' } }],
    [{ store: new MemoryStore(), retry: { attempts: 0 } }],
    [{ store: new MemoryStore(), retry: { backoffMs: -1 } }],
    [{ store: new MemoryStore(), storeTimeoutMs: Number.NaN }],
    [{ store: new MemoryStore(), typo: 1 }],
    [{ store: new MemoryStore(), lease: null }],
    [{ store: new MemoryStore(), lease: { ttl: 5_000 } }],
    [{ store: new MemoryStore(), retry: { tries: 5 } }],
    [{ store: new MemoryStore(), retry: 5 }],
    [{ store: new MemoryStore(), codec: {} }],
    [{ store: new MemoryStore(), logger: {} }],
    [{ store: new MemoryStore(), onError: 'x' }],
  ])('new Motion(%j) is refused', (options) => {
    expect(() => new Motion(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }) as Error);
  });

  test('an option that does not exist is refused by name, wherever options are given', async () => {
    expect(() => new MemoryStore({ time: Date.now } as never)).toThrow(
      "unknown option 'time' of MemoryStore; there is clock",
    );
    const made = new Motion({ store: new MemoryStore() });
    const journal = await made.instance(Journal, 'a');
    const stream = journal.stream.bind(journal) as unknown as (...args: unknown[]) => AsyncIterable<unknown>;
    const misspelt: (() => unknown)[] = [
      () => made.worker({ component: [] } as never),
      () => made.worker().close({ abort: true } as never),
      () => made.close({ abort: true } as never),
      () => made.instance(Journal, 'b', { inti: { first: 'x' } } as never),
      () => journal.run('add', { word: 'x' }, { flushUpdate: true } as never),
      () => stream('add', {}, { flushUpdate: true })[Symbol.asyncIterator]().next(),
      () => journal.writeState({ count: 1 }, { flushUpdates: true } as never),
      () => journal.flushUpdates(undefined, { idempotencyKey: 'x' } as never),
    ];
    for (const call of misspelt)
      expect(await errorOf(Promise.resolve().then(call))).toMatchObject({
        code: 'INVALID_OPTIONS',
        message: expect.stringMatching(/^unknown option '\w+' of .+; there (is|are) \w+/),
      });
    expect(await journal.readState('count')).toBe(0);
    await made.close();
  });
});

describe.each(places)('clear on $kind', ({ make }) => {
  test('removes everything, and what is made anew starts fresh', async () => {
    const place = make();
    const made = motionOn(place);
    const journal = await made.instance(Journal, 'a', { init: { first: 'old' } });
    await journal.run('big', { size: 3_000_000 });
    await journal.run('fail', { word: 'x' });
    await errorOf(journal.flushUpdates());
    expect(await made.clear(Journal, 'a')).toBe(true);
    expect(await place.open().list('Journal/a', { prefix: '', limit: 100 })).toEqual([]);
    expect(await idsOf(made.instances(Journal))).toEqual([]);
    expect(await made.clear(Journal, 'a')).toBe(false);
    const anew = await made.instance(Journal, 'a', { init: { first: 'new' } });
    expect(await anew.readState()).toEqual({ log: ['new'], count: 0 });
    expect(await anew.version()).toBe(1);
    expect(await anew.deadLetters()).toEqual([]);
    const from = performance.now();
    await anew.run('add', { word: 'x' }, { flushUpdates: true });
    expect(performance.now() - from).toBeLessThan(1_000);
    await anew.flushUpdates();
    expect((await place.open().get('Journal/a', [])).seq).toBeLessThanOrEqual(1);
  });

  test('those who have it open get INSTANCE_GONE, in this process and in others, also once it is made anew', async () => {
    const place = make();
    const [here, there] = [motionOn(place), motionOn(place)];
    const handles = [await here.instance(Journal, 'a'), await there.instance(Journal, 'a')];
    await here.clear(Journal, 'a');
    for (let n = 0; n < 2; n++) {
      for (const handle of handles) {
        for (const call of [
          handle.run('add', { word: 'x' }),
          handle.run('fail', { word: 'x' }),
          handle.run('look'),
          handle.readState(),
          handle.version(),
          handle.writeState({ count: 5 }),
          handle.flushUpdates(),
          handle.deadLetters(),
        ])
          expect(await errorOf(call)).toMatchObject({ code: 'INSTANCE_GONE' });
      }
      await there.instance(Journal, 'a');
    }
    expect(await (await here.instance(Journal, 'a')).readState()).toEqual({ log: [], count: 0 });
  });

  test('while updates run and wait: they have no effect on what comes after', async () => {
    const place = make();
    const { component, factory } = journalOf();
    const gate = new Gate();
    component.gates.set('held', gate.opened);
    const made = motionOn(place).register(Journal, factory);
    const other = motionOn(place);
    const journal = await made.instance(Journal, 'a');
    await journal.run('add', { word: 'held' });
    await journal.run('add', { word: 'queued' });
    const flushed = errorOf(journal.flushUpdates());
    await sleep(30);
    expect(await other.clear(Journal, 'a')).toBe(true);
    const anew = await other.instance(Journal, 'a');
    await anew.run('add', { word: 'new' });
    gate.open();
    expect(await flushed).toMatchObject({ code: 'INSTANCE_GONE' });
    await anew.flushUpdates();
    await sleep(50);
    expect(await anew.readState('log')).toEqual(['new']);
  });

  test('a process with a stale handle runs the updates of the instance that was made anew', async () => {
    const place = make();
    const worker = motionOn(place);
    await (await worker.instance(Journal, 'a')).run('add', { word: 'old' }, { flushUpdates: true });
    await sleep(150);
    const off = motionOn(place, { updates: 'off' });
    await off.clear(Journal, 'a');
    const anew = await off.instance(Journal, 'a');
    await anew.run('add', { word: 'new' });
    await anew.flushUpdates();
    expect(await anew.readState('log')).toEqual(['new']);
  });

  test('of many at once by many', async () => {
    const place = make();
    const motions = [motionOn(place), motionOn(place)];
    const results = await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        const made = motions[n % 2] as Motion;
        try {
          if (n % 4 > 1) return await made.clear(Journal, 'a');
          await (await made.instance(Journal, 'a')).run('add', { word: `${n}` }, { flushUpdates: true });
          return 'ran';
        } catch (error) {
          return (error as { code: string }).code;
        }
      }),
    );
    for (const result of results) expect(['ran', true, false, 'INSTANCE_GONE']).toContain(result);
    await motions[0]?.clear(Journal, 'a');
    expect(await place.open().list('Journal/a', { prefix: '', limit: 10 })).toEqual([]);
  });
});

describe.each(places)('inspect on $kind', ({ make }) => {
  test('tells of an instance without opening it', async () => {
    const place = make();
    const off = motionOn(place, { updates: 'off' });
    const journal = await off.instance(Journal, 'a', { init: { first: 'x' } });
    expect(await off.inspect(Journal, 'a')).toEqual({
      id: 'a',
      state: { log: ['x'], count: 0 },
      version: 1,
      queued: 0,
      deadLetters: 0,
      lease: null,
      dueInMs: null,
    });
    for (let n = 0; n < 5; n++) await journal.run('twice', { word: `${n}` });
    expect(await off.inspect(Journal, 'a')).toMatchObject({ queued: 10, version: 1, lease: null, dueInMs: 0 });
    const { component, factory } = journalOf();
    const gate = new Gate();
    component.gates.set('held', gate.opened);
    await journal.run('add', { word: 'held' });
    motionOn(place).register(Journal, factory);
    await until(() => component.contexts.length > 0);
    await sleep(50);
    const busy = await off.inspect(Journal, 'a');
    expect(busy.lease?.epoch).toBe(1);
    expect(busy.queued).toBeGreaterThanOrEqual(1);
    gate.open();
    await journal.flushUpdates();
    expect(await off.inspect(Journal, 'a')).toMatchObject({ queued: 0, version: expect.any(Number) as number });
    await journal.run('fail', { word: 'x' });
    await errorOf(journal.flushUpdates());
    expect(await off.inspect(Journal, 'a')).toMatchObject({ deadLetters: 1 });
    expect(await errorOf(off.inspect(Journal, 'nobody'))).toMatchObject({ code: 'INSTANCE_GONE' });
    expect(await idsOf(off.instances(Journal))).toEqual(['a']);
  });
});

describe.each(places)('close on $kind', ({ make }) => {
  async function holding(
    place: Place,
    options = {},
  ): Promise<{
    made: Motion;
    component: Journal;
    gate: Gate;
    journal: Awaited<ReturnType<Motion['instance']>>;
  }> {
    const { component, factory } = journalOf();
    const gate = new Gate();
    component.gates.set('held', gate.opened);
    const made = motionOn(place, options).register(Journal, factory);
    const journal = await made.instance(Journal, 'a');
    await journal.run('add', { word: 'held' });
    await journal.run('add', { word: 'next' });
    await until(() => component.contexts.length > 0);
    return { made, component, gate, journal: journal as never };
  }

  test('finishes the running update, commits it, and another takes over within 200 ms', async () => {
    const place = make();
    const { made, gate } = await holding(place);
    const other = await motionOn(place).instance(Journal, 'a');
    const closed = made.close();
    await sleep(50);
    gate.open();
    await closed;
    const from = performance.now();
    await other.flushUpdates();
    expect(performance.now() - from).toBeLessThan(200);
    expect(await other.readState()).toEqual({ log: ['held', 'next'], count: 2 });
  });

  test('with abortRunning it does not wait: the update is told, and runs again elsewhere, once', async () => {
    const place = make();
    const { made, gate, component } = await holding(place);
    const from = performance.now();
    await made.close({ abortRunning: true });
    expect(performance.now() - from).toBeLessThan(500);
    expect(component.signals[0]?.aborted).toBe(true);
    const other = await motionOn(place).instance(Journal, 'a');
    await other.flushUpdates();
    gate.open();
    await sleep(20);
    expect(await other.readState('log')).toEqual(['held', 'next']);
  });

  test('who waits for updates gets CLOSED; they stay queued', async () => {
    const place = make();
    const { made, gate, journal } = await holding(place);
    const waits = [
      journal.flushUpdates(),
      journal.run('add' as never, { word: 'last' } as never, { flushUpdates: true } as never),
      journal.writeState({ draft: 'd' } as never),
    ].map(errorOf);
    await sleep(30);
    const closed = made.close();
    await sleep(20);
    gate.open();
    await closed;
    for (const error of await Promise.all(waits)) expect(error).toMatchObject({ code: 'CLOSED' });
    const other = await motionOn(place).instance(Journal, 'a');
    await other.flushUpdates();
    expect(await other.readState()).toEqual({ log: ['held', 'next', 'last'], count: 3, draft: 'd' });
  });

  test('a serve under way is finished, its updates queued; if it would wait for them it gets CLOSED', async () => {
    const place = make();
    const { component, factory } = journalOf();
    const gate = new Gate();
    component.gates.set('x', gate.opened);
    const made = motionOn(place).register(Journal, factory);
    const journal = await made.instance(Journal, 'a');
    const run = journal.run('held', { word: 'x' });
    const waiting = errorOf(journal.run('held', { word: 'x' }, { flushUpdates: true }));
    await sleep(20);
    const closed = made.close();
    await sleep(20);
    gate.open();
    expect(await run).toBe('x');
    expect(await waiting).toMatchObject({ code: 'CLOSED' });
    await closed;
    const other = await motionOn(place).instance(Journal, 'a');
    await other.flushUpdates();
    expect(await other.readState('log')).toEqual(['x', 'x']);
  });

  test('after it, all is CLOSED; twice is once', async () => {
    const made = motionOn(make());
    const journal = await made.instance(Journal, 'a');
    const all = made.instances(Journal);
    await Promise.all([made.close(), made.close(), journal.close(), journal.close()]);
    await made.close();
    for (const call of [
      () => journal.run('add', { word: 'x' }),
      () => journal.readState(),
      () => journal.version(),
      () => journal.writeState({ count: 1 }),
      () => journal.flushUpdates(),
      () => journal.deadLetters(),
      () => journal.redrive('x'),
      () => journal.discardDeadLetter('x'),
      () => made.instance(Journal, 'a'),
      () => made.inspect(Journal, 'a'),
      () => made.clear(Journal, 'a'),
      async () => made.worker(),
      async () => made.register(Journal),
      async () => made.instances(Journal),
    ])
      expect(await errorOf(call())).toMatchObject({ code: 'CLOSED' });
    void all;
  });

  test('an instance that is being made meanwhile ends with a typed error', async () => {
    const made = motionOn(make());
    const opening = errorOf(made.instance(Slow, 'a', { init: { n: 1 } }).then((handle) => handle.readState()));
    await sleep(5);
    await made.close();
    expect(['CLOSED', 'closed']).toContain(((await opening) as { code: string }).code);
  });

  test('of one handle leaves the others open, and the updates running', async () => {
    const place = make();
    const { made, gate, journal } = await holding(place);
    const second = await made.instance(Journal, 'a');
    await journal.close();
    expect(await errorOf(journal.readState())).toMatchObject({ code: 'CLOSED' });
    gate.open();
    await second.flushUpdates();
    expect(await second.readState('count')).toBe(2);
  });

  test('of a stream’s handle, in the middle of it', async () => {
    const { Lab } = await import('./lab.js');
    const made = motionOn(make());
    const lab = await made.instance(Lab, 'a');
    const stream = lab.stream('words', { text: 'a b c' });
    const error = await errorOf(
      (async () => {
        for await (const _ of stream) await made.close();
      })(),
    );
    expect(error).toMatchObject({ code: 'CLOSED' });
    expect(await errorOf(stream.result)).toMatchObject({ code: 'CLOSED' });
  });

  test('await using closes', async () => {
    const place = make();
    let kept: { readState(): Promise<unknown> };
    {
      await using made = new Motion({ store: place.open(), ...silent });
      await using journal = await made.instance(Journal, 'a');
      kept = journal;
      await journal.run('add', { word: 'x' });
    }
    expect(await errorOf(kept.readState())).toMatchObject({ code: 'CLOSED' });
  });
});

describe.each(places)('workers on $kind', ({ make }) => {
  test('run what others only queue', async () => {
    const place = make();
    const off = motionOn(place, { updates: 'off' });
    const journal = await off.instance(Journal, 'a');
    await journal.run('add', { word: 'x' });
    await sleep(100);
    expect(await journal.readState('count')).toBe(0);
    const worker = motionOn(place, { updates: 'off' }).register(Journal).worker();
    await journal.flushUpdates();
    expect(await journal.readState('count')).toBe(1);
    await journal.run('add', { word: 'y' }, { flushUpdates: true });
    await Promise.all([worker.close(), worker.close()]);
    await worker.close();
    await journal.run('add', { word: 'z' });
    await sleep(100);
    expect(await journal.readState('count')).toBe(2);
  });

  test('of the same Motion as the calls', async () => {
    const made = motionOn(make(), { updates: 'off' });
    const journal = await made.instance(Journal, 'a');
    await using _ = made.worker();
    await journal.run('add', { word: 'x' }, { flushUpdates: true });
    expect(await journal.readState('count')).toBe(1);
  });

  test('run only the components and the shard that they are for', async () => {
    const place = make();
    const off = motionOn(place, { updates: 'off' });
    class Second extends Component<{ state: { n?: number }; flows: { go: Record<never, never> } }> {
      @Update('go') go() {
        return { n: 1 };
      }
    }
    const ids = Array.from({ length: 16 }, (_, n) => `i${n}`);
    const journals = await Promise.all(ids.map((id) => off.instance(Journal, id)));
    const second = await off.instance(Second, 'a');
    await Promise.all([second.run('go'), ...journals.map((journal) => journal.run('add', { word: 'x' }))]);
    const done = async (): Promise<number> => {
      const counts = await Promise.all(journals.map((journal) => journal.readState('count')));
      return counts.reduce((sum, count) => sum + count, 0);
    };
    const workers = motionOn(place, { updates: 'off' }).register(Journal).register(Second);
    const first = workers.worker({ components: [Journal], shard: [0, 2] });
    await until(async () => (await done()) > 0);
    await sleep(300);
    const half = await done();
    expect(half).toBeGreaterThan(0);
    expect(half).toBeLessThan(16);
    expect(await second.readState('n')).toBeUndefined();
    workers.worker({ components: [Journal], shard: [1, 2] });
    await until(async () => (await done()) === 16);
    expect(await second.readState('n')).toBeUndefined();
    workers.worker({ components: [Second] });
    await second.flushUpdates();
    await first.close();
  });

  test('run no more instances at once than they may, and all of them in the end', async () => {
    const place = make();
    const { component, factory } = journalOf();
    let running = 0;
    let most = 0;
    component.keep = async (state) => {
      most = Math.max(most, ++running);
      await sleep(5);
      running--;
      return { log: [], count: (state as State<Journal>).count + 1 };
    };
    const off = motionOn(place, { updates: 'off' });
    const journals = await Promise.all(Array.from({ length: 12 }, (_, n) => off.instance(Journal, `i${n}`)));
    for (const journal of journals) for (let n = 0; n < 3; n++) await journal.run('add', { word: 'x' });
    motionOn(place, { updates: 'off' }).register(Journal, factory).worker({ concurrency: 3 });
    await Promise.all(journals.map((journal) => journal.flushUpdates()));
    expect(most).toBe(3);
    for (const journal of journals) expect(await journal.readState('count')).toBe(3);
  });

  test.each([
    [{ concurrency: 0 }],
    [{ concurrency: 1.5 }],
    [{ concurrency: '4' }],
    [null],
    [{ shard: [2, 2] }],
    [{ shard: [-1, 2] }],
    [{ shard: [0] }],
    [{ shard: ['0', '1'] }],
  ])('with %j are refused', (options) => {
    expect(() => motionOn(make()).worker(options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTIONS' }) as Error,
    );
  });
});

describe('errors in the background', () => {
  test('are told to onError, with what they belong to: every try, and the end', async () => {
    const told: unknown[] = [];
    const journal = await motion({ onError: (error, info) => void told.push([String(error), info]) }).instance(
      Journal,
      'a',
    );
    await errorOf(journal.run('fail', { word: 'x' }, { flushUpdates: true }));
    const info = { componentName: 'Journal', instanceId: 'a', flow: 'fail', update: 'tryHard' };
    expect(told).toEqual([
      ['TypeError: no x', { ...info, dead: false }],
      ['TypeError: no x', { ...info, dead: false }],
      ['TypeError: no x', { ...info, dead: true }],
    ]);
  });

  test('go to the logger without one', async () => {
    const lines: string[] = [];
    const line = (kind: string) => (text: string, error: unknown) =>
      void lines.push(`${kind}: ${text}: ${String(error)}`);
    const logger = { debug: line('debug'), warn: line('warn'), error: line('error') };
    const made = new Motion({ store: new MemoryStore(), logger });
    const journal = await made.instance(Journal, 'a');
    await errorOf(journal.run('fail', { word: 'x' }, { flushUpdates: true }));
    await made.close();
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^warn: Journal\/a: .*tryHard.*tried again: TypeError: no x/);
    expect(lines[2]).toMatch(/^error: Journal\/a: .*dead letter now: TypeError: no x/);
  });

  test('an onError or a logger that throws does no harm', async () => {
    const shout = (): never => {
      throw new Error('of the reporter itself');
    };
    for (const options of [
      { onError: shout },
      { onError: undefined as never, logger: { debug: shout, warn: shout, error: shout } },
    ]) {
      const journal = await motion(options).instance(Journal, 'a');
      await errorOf(journal.run('fail', { word: 'x' }, { flushUpdates: true }));
      await journal.run('add', { word: 'y' }, { flushUpdates: true });
      expect(await journal.readState('log')).toEqual(['y']);
    }
  });

  test('a store that fails for good is told, and what was acknowledged is done when it is back', async () => {
    const told: unknown[] = [];
    const store = new RecordingStore(new MemoryStore());
    const journal = await motion({ store, onError: (error) => void told.push(error) }).instance(Journal, 'a');
    let broken = false;
    store.before = (method, _, detail) => {
      if (broken && method === 'commit' && !(detail as { appends?: unknown }).appends) throw new StoreError('full');
    };
    broken = true;
    await journal.run('add', { word: 'x' });
    await until(() => told.length > 0);
    expect(told[0]).toMatchObject({ code: 'full' });
    broken = false;
    await journal.flushUpdates();
    expect(await journal.readState('log')).toEqual(['x']);
  });
});

test('who waits in an instance that was made anew hears nothing of the worker that looked for the old one', async () => {
  const place = (places[0] as (typeof places)[0]).make();
  const elsewhere = motionOn(place, { updates: 'off' });
  const old = await elsewhere.instance(Journal, 'a');
  await old.run('add', { word: 'old' });
  const store = place.open();
  const looked = new Gate();
  const made = new Gate();
  let looks = 0;
  store.before = async (method) => {
    if (method === 'get' && looks++ === 0) await elsewhere.clear(Journal, 'a');
  };
  store.afterGet = async (got) => {
    if (looks === 1) {
      looks++;
      looked.open();
      await made.opened;
    }
    return got;
  };
  const motion = motionOn({ open: () => store }).register(Journal);
  await looked.opened;
  const journal = await motion.instance(Journal, 'a');
  const run = journal.run('add', { word: 'new' }, { flushUpdates: true });
  await until(() => store.applied.some(({ appends }) => appends));
  made.open();
  await run;
  expect(await journal.readState('log')).toEqual(['new']);
});
