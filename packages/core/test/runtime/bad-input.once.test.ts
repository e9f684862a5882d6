import { isDeepStrictEqual } from 'node:util';
import { Component, InitState, type Instance, type Motion, MotionError, StoreError } from '@motion-ts/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { motionOn, type Place, places } from '../support/places.js';
import { RecordingStore } from '../support/recording-store.js';
import { Journal } from './fixtures.js';

/*
 * What is wrong at the edge is refused there, with an error of ours; what is wrong in the store is told, and never written
 * over. A case that fails prints its seed and its path: give both to the property as options, and it alone runs again.
 */

const TIMES = process.env['MOTION_NIGHTLY'] ? 10 : 1;
/** On each of two stores: 5,000 in all. */
const RUNS = { names: 800 * TIMES, values: 1_000 * TIMES, entries: 600 * TIMES, foreign: 100 * TIMES } as const;

const isTyped = (error: unknown): error is MotionError | StoreError => MotionError.is(error) || StoreError.is(error);

/** What becomes of a call: its value, or an error of ours; anything else is a failure of the test. */
async function outcomeOf<T>(call: () => Promise<T>): Promise<{ readonly value: T } | { readonly code: string }> {
  try {
    return { value: await call() };
  } catch (error) {
    if (isTyped(error)) return { code: error.code };
    throw new Error(`an error that is none of ours: ${String(error)}`, { cause: error });
  }
}

/** How often each outcome came up: all refused, or none, would be no test. */
class Tally {
  private readonly counts = new Map<string, number>();

  add(outcome: { readonly value: unknown } | { readonly code: string }): void {
    const name = 'code' in outcome ? outcome.code : 'taken';
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  of(name: string): number {
    return this.counts.get(name) ?? 0;
  }

  get text(): string {
    const all = [...this.counts].sort(([, a], [, b]) => b - a);
    return all.map(([name, count]) => `${name} ${count}`).join(', ');
  }
}

/** Any 16-bit units: surrogates without their other half among them. */
const units = fc.array(fc.nat({ max: 0xffff }), { maxLength: 40 }).map((codes) => String.fromCharCode(...codes));
const names = fc.oneof(
  units,
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'binary-ascii', maxLength: 30 }),
  fc.constantFrom('', '__proto__', 'constructor', 'toString', '/', '..', '%', '~', ' ', '\0', 'x'.repeat(2_000)),
  fc.constantFrom('log', 'count', 'add', 'init', 'root', 'q/1'),
  fc.constantFrom(null, 0, -1, Number.NaN, true, {}, [], Symbol('name'), () => 'name', 10n),
);

const throwing = (what: string) => (): never => {
  throw new Error(what);
};

/** What nobody should hand over; made anew for each case, and named, so that a case can be shown. */
const HOSTILE: Readonly<Record<string, () => unknown>> = {
  'a symbol': () => Symbol('s'),
  'a function': () => () => 1,
  'a proxy without keys': () => new Proxy({}, { ownKeys: throwing('no keys') }),
  'a proxy without values': () => new Proxy({ word: 1 }, { get: throwing('no values') }),
  'a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  'a getter that throws': () => Object.defineProperty({}, 'word', { get: throwing('no word'), enumerable: true }),
  'a cycle': () => {
    const round: Record<string, unknown> = {};
    round['round'] = { round };
    return round;
  },
  'a deep nest': () => Array.from({ length: 3_000 }).reduce<unknown>((inner) => [inner], 1),
  'a symbol as key': () => ({ [Symbol('s')]: 1, word: 'x' }),
  'a weak map': () => new WeakMap(),
  'a promise': () => Promise.resolve(1),
  'a URL': () => new URL('http://localhost'),
  'an error': () => new RangeError('out'),
  'a pattern': () => /x/g,
  'an object of a class': () => new (class Own {})(),
  'an object that speaks for itself': () => ({ toJSON: () => 'another' }),
  'all there is': () => globalThis,
};
const plain = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
  fc.anything({ withSparseArray: true, withNullPrototype: true, withBoxedValues: true }),
);
const values = fc.oneof(
  { weight: 3, arbitrary: plain.map((value) => ({ value })) },
  { weight: 2, arbitrary: fc.constantFrom(...Object.keys(HOSTILE)).map((hostile) => ({ hostile })) },
);

/** Keeps what it is made with. */
class Kept extends Component<{ params: object }> {
  @InitState() setup(given: unknown) {
    return { given };
  }
}

/** Some ways to hand a name over. */
const nameDoors: readonly ((journal: Instance<Journal>, made: Motion, name: never) => Promise<unknown>)[] = [
  (_, made, name) => made.instance(Journal, name, { existing: true }),
  (_, made, name) => made.inspect(Journal, name),
  (_, made, name) => made.clear(Journal, name),
  (journal, _, name) => journal.run(name),
  (journal, _, name) => journal.flushUpdates(name),
  (journal, _, name) => journal.redrive(name),
  (journal, _, name) => journal.discardDeadLetter(name),
  (journal, _, name) => journal.readState(name),
  (journal, _, name) => journal.run('look', {}, { idempotencyKey: name }),
  async (journal, _, name) => {
    await journal.writeState({ [name]: 1 } as never);
    expect(await journal.readState(name)).toBe(1);
  },
  async (_, made, name) => {
    // Null is "make one up", as undefined is.
    const instance = await made.instance(Journal, name);
    if (typeof name === 'string') expect(instance.id).toBe(name);
    expect(await instance.readState('log')).toEqual([]);
    expect(await made.clear(Journal, instance.id)).toBe(true);
  },
];

/** A value as the codec says that it comes back: -0 as 0, a Buffer as the bytes that it is, and no prototype is none. */
function asKept(value: unknown): unknown {
  if (typeof value === 'number') return value + 0;
  if (Array.isArray(value)) return value.map(asKept);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [asKept(key), asKept(item)]));
  if (value instanceof Set) return new Set([...value].map(asKept));
  const isPlain =
    typeof value === 'object' &&
    value !== null &&
    /^\[object Object\]$/.test(String(Object.prototype.toString.call(value)));
  return isPlain ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asKept(item)])) : value;
}

/** Some ways to hand a value over. Each says what must be in the state if it is taken. */
const valueDoors: readonly ((journal: Instance<Journal>, made: Motion, value: never) => Promise<unknown>)[] = [
  (journal, _, value) => journal.run('look', value),
  (journal, _, value) => journal.run('add', { word: value }),
  (journal, _, value) => journal.run('look', {}, value),
  (journal, _, value) => journal.run('bad', { patch: value }, { flushUpdates: true }),
  (journal, _, value) => journal.writeState(value),
  async (journal, _, value) => {
    await journal.writeState({ draft: value });
    const kept: unknown = await journal.readState('draft');
    if (value !== undefined) expect(isDeepStrictEqual(kept, asKept(value)), 'as it went in').toBe(true);
  },
  (_, made, value) => made.instance(Kept, 'fresh', { init: value }).then(() => made.clear(Kept, 'fresh')),
];

describe.each(places)('bad input on $kind', ({ kind, make }) => {
  test(`${RUNS.names} names are taken or refused, and nothing in between`, { timeout: 120_000 * TIMES }, async () => {
    const place = make();
    const made = motionOn(place);
    const journal = await made.instance(Journal, 'a');
    const tally = new Tally();
    const property = fc.asyncProperty(fc.nat({ max: nameDoors.length - 1 }), names, async (door, name) => {
      // Instances that are looked at, opened and cleared here are others.
      fc.pre(name !== 'a');
      const before = await journal.readState();
      const outcome = await outcomeOf(() => (nameDoors[door] as (typeof nameDoors)[0])(journal, made, name as never));
      tally.add(outcome);
      if ('code' in outcome) expect(await journal.readState()).toEqual(before);
    });
    await fc.assert(property, { numRuns: RUNS.names });
    console.log(`${kind}, ${RUNS.names} names: ${tally.text}`);
    for (const code of ['taken', 'INVALID_ID', 'UNKNOWN_FLOW', 'NO_DEAD_LETTER', 'INSTANCE_GONE', 'INVALID_OPTIONS'])
      expect(tally.of(code), code).toBeGreaterThan(5);
    await expectToWork(journal);
  });

  test(`${RUNS.values} values come back as they went in, or are refused`, { timeout: 120_000 * TIMES }, async () => {
    const made = motionOn(make(), { retry: { attempts: 1 } });
    const journal = await made.instance(Journal, 'a');
    const tally = new Tally();
    const property = fc.asyncProperty(fc.nat({ max: valueDoors.length - 1 }), values, async (door, given) => {
      const value = 'hostile' in given ? HOSTILE[given.hostile]?.() : given.value;
      const outcome = await outcomeOf(() =>
        (valueDoors[door] as (typeof valueDoors)[0])(journal, made, value as never),
      );
      tally.add(outcome);
      await journal.writeState({ log: [], count: 0 });
    });
    await fc.assert(property, { numRuns: RUNS.values });
    console.log(`${kind}, ${RUNS.values} values: ${tally.text}`);
    for (const code of ['taken', 'INVALID_PROPS', 'NOT_SERIALIZABLE', 'INVALID_PATCH', 'INVALID_OPTIONS'])
      expect(tally.of(code), code).toBeGreaterThan(5);
    await expectToWork(journal);
  });

  test(`${RUNS.entries} damaged entries are told of, and never written over`, {
    timeout: 120_000 * TIMES,
  }, async () => {
    const place = make();
    await prepare(place);
    const store = place.open();
    const entries = await store.list(PARTITION, { prefix: '', limit: 1_000 });
    const keys = entries.map(({ key }) => key).filter((key) => !key.startsWith('w/') && !key.startsWith('i/'));
    for (const kept of ['init', 'root', 'dir', 's/log', 's/draft', 'q/', 'o/', 'b/'])
      expect(
        keys.some((key) => key.startsWith(kept)),
        kept,
      ).toBe(true);
    const tally = new Tally();
    const property = fc.asyncProperty(
      fc.constantFrom(...keys),
      damages,
      fc.nat({ max: 4 }),
      async (key, damage, door) => {
        const damaged = damagedPlace(store, key, damage.apply);
        const made = motionOn({ open: () => damaged }, { updates: 'off', closeStore: false });
        const outcome = await outcomeOf(() => look(made, door));
        tally.add(outcome);
        if (mustBeTold(damage, key) && isRead(key, door))
          expect(outcome, `${damage.name} of ${key}`).toHaveProperty('code');
        // No silent repair: nobody who met it wrote or deleted it.
        for (const { puts = [], deletes = [] } of damaged.applied)
          expect([...puts.map((put) => put.key), ...deletes]).not.toContain(key);
        await made.close();
      },
    );
    await fc.assert(property, { numRuns: RUNS.entries });
    console.log(`${kind}, ${RUNS.entries} damaged entries: ${tally.text}`);
    expect(tally.of('CORRUPT')).toBeGreaterThan(RUNS.entries / 10);
    // What was shown damaged was not, and works.
    const sound = await motionOn(place).instance(Journal, 'a', { existing: true });
    await sound.flushUpdates();
    expect(await sound.readState('log')).toEqual(['first', 'queued']);
  });

  test(`${RUNS.foreign} foreign keys and partitions disturb nobody, and stay`, {
    timeout: 120_000 * TIMES,
  }, async () => {
    const place = make();
    const store = place.open();
    const made = motionOn(place);
    const journal = await made.instance(Journal, 'a');
    let n = 0;
    const key = fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
      minLength: 1,
      maxLength: 512,
    });
    const property = fc.asyncProperty(
      key,
      fc.uint8Array({ maxLength: 64 }),
      fc.boolean(),
      async (foreign, value, elsewhere) => {
        fc.pre(!/^(init|root|dir|gone|moved|q\/.*|[swiob]\/.*)$/.test(foreign));
        const partition = elsewhere ? foreign : PARTITION;
        const puts = [{ key: foreign, value }];
        expect(
          await store.commit(partition, { id: `foreign-${kind}-${n++}`, puts, ...(elsewhere && { due: { in: 0 } }) }),
        ).toMatchObject({ ok: true });
        const word = `word ${n}`;
        await journal.run('add', { word }, { flushUpdates: true });
        expect((await journal.readState('log')).at(-1)).toBe(word);
        const found = await store.get(partition, [foreign]);
        expect(Buffer.from(found.entries[0]?.value as Uint8Array)).toEqual(Buffer.from(value));
      },
    );
    await fc.assert(property, { numRuns: RUNS.foreign });
    const ids: string[] = [];
    for await (const id of made.instances(Journal)) ids.push(id);
    expect(ids).toContain('a');
  });
});

async function expectToWork(journal: Instance<Journal>): Promise<void> {
  await journal.writeState({ log: [], count: 0 });
  await journal.run('add', { word: 'after all' }, { flushUpdates: true });
  expect(await journal.readState('log')).toEqual(['after all']);
}

const PARTITION = 'Journal/a';

/** An instance that has something of everything: state, a big value, a dead letter, and a call in the queue. */
async function prepare(place: Place): Promise<void> {
  const made = motionOn(place);
  const journal = await made.instance(Journal, 'a');
  await journal.run('add', { word: 'first' }, { flushUpdates: true });
  const { getBytes, getKeys } = place.open().limits;
  await journal.run('big', { size: Math.ceil(getBytes / getKeys) + 1 }, { flushUpdates: true });
  await outcomeOf(() => journal.run('fail', { word: 'dead' }, { flushUpdates: true }));
  await made.close();
  const off = await motionOn(place, { updates: 'off' }).instance(Journal, 'a', { existing: true });
  await off.run('add', { word: 'queued' });
}

interface Damage {
  readonly name: string;
  /** Whether it leaves nothing that could be read: other changes may make another value of it, which nobody can tell. */
  readonly mustBeTold: boolean;
  readonly apply: (value: Uint8Array) => Uint8Array | undefined;
}

const damages: fc.Arbitrary<Damage> = fc.oneof(
  fc.constant<Damage>({ name: 'loss', mustBeTold: true, apply: () => undefined }),
  fc.constant<Damage>({ name: 'emptying', mustBeTold: true, apply: () => new Uint8Array() }),
  fc.constant<Damage>({
    name: 'replacement by another text',
    mustBeTold: true,
    apply: () => new TextEncoder().encode('{"written":"by something else"}'),
  }),
  fc.double({ min: 0, max: 0.99, noNaN: true }).map((part) => ({
    name: `cutting to ${part}`,
    mustBeTold: true,
    apply: (value: Uint8Array) => value.subarray(0, Math.floor(value.byteLength * part)),
  })),
  fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => ({
    name: `replacement by ${bytes.join(' ')}`,
    mustBeTold: false,
    apply: () => bytes,
  })),
  fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.integer({ min: 1, max: 255 })).map(([where, flip]) => ({
    name: `flipping ${flip} at ${where}`,
    mustBeTold: false,
    apply: (value: Uint8Array) => {
      const changed = Uint8Array.from(value);
      const at = Math.floor(where * changed.byteLength);
      changed[at] = (changed[at] ?? 0) ^ flip;
      return changed;
    },
  })),
);

/** The store as one sees it that has one damaged entry. */
function damagedPlace(store: RecordingStore, key: string, apply: Damage['apply']): RecordingStore {
  const shown = <E extends { readonly key: string; readonly value?: Uint8Array }>(
    entry: E | undefined,
  ): E | undefined => {
    if (entry?.key !== key || !entry.value) return entry;
    const value = apply(entry.value);
    return value && { ...entry, value };
  };
  const damaged = new RecordingStore({
    limits: store.limits,
    get: async (partition, keys) => {
      // Without what is known: every value travels.
      const snapshot = await store.inner.get(partition, keys);
      return { ...snapshot, entries: snapshot.entries.map((entry) => shown(entry)) };
    },
    list: async (partition, range) => (await store.inner.list(partition, range)).flatMap((entry) => shown(entry) ?? []),
    commit: (partition, commit) => store.inner.commit(partition, commit),
    scan: (query, cursor) => store.inner.scan(query, cursor),
    cacheGet: async () => undefined,
    cacheSet: async () => undefined,
    cacheClear: async () => undefined,
    close: async () => undefined,
  });
  return damaged;
}

/** Some ways to meet a damaged entry. */
async function look(made: Motion, door: number): Promise<unknown> {
  if (door === 0) return made.inspect(Journal, 'a');
  const journal = await made.instance(Journal, 'a', { existing: true });
  if (door === 1) return journal.readState();
  if (door === 2) return journal.deadLetters();
  if (door === 3) return journal.run('look');
  return journal.version();
}

/** A dead letter that is gone may have been discarded, and a call that is gone may be done. */
function mustBeTold({ name, mustBeTold: always }: Damage, key: string): boolean {
  return always && !(name === 'loss' && /^[oq]\//.test(key));
}

/** Whether a door leads past an entry: an instance is not read beyond what is asked for. */
function isRead(key: string, door: number): boolean {
  // Who comes for the chunks does not look at what was there while they were written.
  if (key.endsWith('/!')) return false;
  if (key.startsWith('o/')) return door === 0 || door === 2;
  if (key.startsWith('q/')) return door === 0;
  return true;
}
