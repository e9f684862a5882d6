import assert from 'node:assert/strict';
import { type Instance, msgpackCodec } from '@motion-ts/core';
import { rejects } from './checks.js';
import { Journal, openJournal } from './journal.js';
import type { Group } from './suite.js';

let deep: unknown = 'bottom';
for (let n = 0; n < 300; n++) deep = n % 2 === 0 ? [deep] : { deep };
let deeper: unknown = 'bottom';
for (let n = 0; n < 5_000; n++) deeper = [deeper];
const every = new Uint8Array(256).map((_, n) => n);

/** What comes back as it was. */
const VALUES: Readonly<Record<string, unknown>> = {
  null: null,
  true: true,
  zero: 0,
  'the largest number': Number.MAX_VALUE,
  'the largest whole number': Number.MAX_SAFE_INTEGER,
  'a fraction': 0.1,
  'no number': Number.NaN,
  'an endless number': -Infinity,
  'a big whole number': -(2n ** 70n),
  'an empty text': '',
  'a text of all kinds': 'a\u0000\n"\\ é e\u0301 🦊 \u2028 \ufeff',
  'a long text': 'ü'.repeat(100_000),
  'an empty list': [],
  'a list': [1, [2, [undefined, null]]],
  'an object': { a: { b: [{ c: undefined }] }, '': 1, 'a b': 2, toJSON: 3, length: 4, constructor: 5 },
  'a depth': deep,
  'a date': new Date(1_700_000_000_123),
  'a Map': new Map<unknown, unknown>([
    ['a', 1],
    [2, new Map([[{ k: 1 }, [1]]])],
    [null, undefined],
  ]),
  'a Set': new Set<unknown>(['a', 1, new Set([1n]), { x: 1 }]),
  'a pattern': /a\/b/giu,
  'all bytes': every,
  'no bytes': new Uint8Array(),
  'an ArrayBuffer': every.buffer.slice(0),
  'small numbers': Int8Array.of(-128, 127),
  'larger numbers': Uint16Array.of(0, 65_535),
  'other numbers': Int32Array.of(-(2 ** 31), 2 ** 31 - 1),
  'numbers with fractions': Float32Array.of(0.5, -1.5),
  'more numbers with fractions': Float64Array.of(0.1, Number.MIN_VALUE),
  'very large numbers': BigUint64Array.of(0n, 2n ** 64n - 1n),
};

const cycle: { list: unknown[] } = { list: [] };
cycle.list.push({ back: cycle });
class Point {
  x = 1;
}
/** What would not come back as it was, and how messages name it. */
const REFUSED: readonly (readonly [value: unknown, message: RegExp])[] = [
  [{ a: [{ f: () => 1 }] }, /\.a\[0\]\.f is a function/],
  [{ 'my key': Symbol('x') }, /\["my key"\] is a symbol/],
  [{ [Symbol('x')]: 1 }, /has the symbol Symbol\(x\) as a key/],
  [{ p: new Point() }, /\.p is a Point/],
  [[new Error('x')], /\[0\] is a Error/],
  [{ p: Promise.resolve() }, /\.p is a Promise/],
  [new WeakMap(), /is a WeakMap/],
  [cycle, /\.list\[0\]\.back refers back/],
  [new Map([['k', { f: () => 1 }]]), /\.get\("k"\)\.f is a function/],
  [new Set([() => 1]), /\.values\(\)\[0\] is a function/],
  // biome-ignore lint/suspicious/noSparseArray: the hole is what is refused
  [[1, , 3], /\[1\] is a hole/],
  [Object.assign([1], { extra: 2 }), /named properties/],
  ['\ud800', /lone surrogate/],
  [{ '\ud800': 1 }, /lone surrogate/],
  [JSON.parse('{ "__proto__": 1 }'), /__proto__/],
  [deeper, /nested deeper/],
];

class Money {
  readonly cents: bigint;
  constructor(cents: bigint) {
    this.cents = cents;
  }
}

export const values: Group = (add) => {
  add('all that the codec keeps comes back as it was: from state, props, results and the queue', async (place) => {
    const { journal, component } = await openJournal(place);
    const other = await openJournal(place);
    component.patch = other.component.patch = (_, given) => ({ draft: given });
    for (const [what, value] of Object.entries(VALUES)) {
      await journal.writeState({ draft: value });
      assert.deepEqual(await other.journal.readState('draft'), value, `${what}, written`);
      await journal.writeState({ draft: 'between' });
      assert.deepEqual(await journal.run('make', { given: value }, { flushUpdates: true }), value);
      assert.deepEqual(await other.journal.readState('draft'), value, `${what}, through the queue`);
    }
    const late = await openJournal(place);
    await late.journal.writeState({ draft: VALUES });
    assert.deepEqual(await journal.readState('draft'), VALUES);
  });

  add('what comes back otherwise does so as documented', async (place) => {
    const { journal } = await openJournal(place);
    await journal.writeState({ draft: [Buffer.from([1, 2]), Object.assign(Object.create(null), { a: 1 })] });
    const [buffer, bare] = (await journal.readState('draft')) as [Uint8Array, object];
    assert.equal(buffer.constructor, Uint8Array);
    assert.deepEqual([buffer, bare], [new Uint8Array([1, 2]), { a: 1 }]);
    await journal.writeState({ draft: -0 });
    assert.ok(Object.is(await journal.readState('draft'), 0));
    await journal.writeState({ draft: new Date(Number.NaN) });
    assert.ok(Number.isNaN(((await journal.readState('draft')) as Date).getTime()));
  });

  add('what it would not bring back is refused with its path, at every door, and nothing is queued', async (place) => {
    const { motion, journal, component } = await openJournal(place, { updates: 'off' });
    const prefix = (what: string, { source, flags }: RegExp): RegExp =>
      new RegExp(`Journal/a: ${what}.*${source}`, flags);
    for (const [value, message] of REFUSED) {
      component.made = () => undefined;
      const call = (): Promise<unknown> => journal.run('make', { given: value });
      await rejects(journal.writeState({ draft: value }), 'NOT_SERIALIZABLE', prefix('state\\.draft', message));
      await rejects(call(), 'NOT_SERIALIZABLE', prefix('props\\.given', message));
      component.made = () => value;
      await rejects(journal.run('make'), 'NOT_SERIALIZABLE', prefix("the serve's result", message));
      await rejects(journal.run('pass', { pass: value }), 'NOT_SERIALIZABLE', prefix('', message));
    }
    assert.equal((await motion.inspect(Journal, 'a')).queued, 0);
    assert.equal(await journal.version(), 1);
  });

  add('classes with an extension live in state, props and results', async (place) => {
    const codec = msgpackCodec({
      extensions: [
        { type: 97, class: Money, encode: ({ cents }: Money) => cents, decode: (cents) => new Money(cents as bigint) },
      ],
    });
    const { journal, component } = await openJournal(place, { codec });
    component.patch = (_, given) => ({ draft: given });
    const result = (await journal.run('make', { given: new Money(5n) }, { flushUpdates: true })) as Money;
    const other: Instance<Journal> = (await openJournal(place, { codec })).journal;
    for (const money of [result, await other.readState('draft')]) {
      assert.ok(money instanceof Money);
      assert.equal(money.cents, 5n);
    }
  });

  add('an instance that was written with another codec is refused, and stays as it is', async (place) => {
    const { journal } = await openJournal(place);
    await journal.run('add', { word: 'x' }, { flushUpdates: true });
    const json = {
      name: 'json',
      encode: (value: unknown) => new TextEncoder().encode(JSON.stringify(value)),
      decode: (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes)) as unknown,
    };
    const motion = await place.motion({ codec: json });
    await rejects(motion.instance(Journal, 'a'), 'INVALID_OPTIONS', /Journal\/a.*'msgpack'.*'json'/);
    await rejects(motion.inspect(Journal, 'a'), 'INVALID_OPTIONS');
    const other = await motion.instance(Journal, 'b');
    await other.run('add', { word: 'y' }, { flushUpdates: true });
    assert.deepEqual(await other.readState(), { log: ['y'], count: 1 });
    assert.deepEqual(await journal.readState('log'), ['x']);
  });
};
