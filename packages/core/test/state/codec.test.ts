import { type Codec, MotionError, msgpackCodec } from '@motion-ts/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const codec = msgpackCodec();
const roundTrip = (value: unknown): unknown => codec.decode(codec.encode(value, 'state'));

const text = fc.string({ unit: 'grapheme' });
const key = text.filter((name) => name !== '__proto__');
const typedArrays = fc.oneof(
  fc.uint8Array(),
  fc.int8Array(),
  fc.uint8ClampedArray(),
  fc.uint16Array(),
  fc.int16Array(),
  fc.uint32Array(),
  fc.int32Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
);
/** What a state may hold. -0 comes back as 0, which the codec says. */
export const values: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  leaf: fc.oneof(
    { withCrossShrink: true },
    fc.constantFrom(null, undefined, true, false),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double().map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.bigInt(),
    fc.bigInt({ min: -(2n ** 600n), max: 2n ** 600n }),
    text,
    fc.date(),
    typedArrays,
  ),
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    tie('leaf'),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: true }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 4 }).map((pairs) => new Map(pairs)),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => new Set(items)),
  ),
})).value;

test('what may be stored comes back as it was', () => {
  fc.assert(
    fc.property(values, (value) => {
      expect(roundTrip(value)).toStrictEqual(value);
    }),
    { numRuns: 1_000 },
  );
});

test('what comes back shares nothing with what went in', () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const list = [1];
  const back = roundTrip({ bytes, list }) as { bytes: Uint8Array; list: number[] };
  bytes[0] = 9;
  list[0] = 9;
  expect(back).toEqual({ bytes: new Uint8Array([1, 2, 3]), list: [1] });
  const packed = codec.encode(new Uint8Array([1, 2, 3]), 'x');
  const decoded = codec.decode(packed) as Uint8Array;
  packed.fill(0);
  expect(decoded).toEqual(new Uint8Array([1, 2, 3]));
});

test.each([
  ['a Buffer comes back as a Uint8Array', Buffer.from([1, 2]), new Uint8Array([1, 2])],
  ['-0 comes back as 0', -0, 0],
  ['an object without a prototype gets one', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ['a view of part of a buffer', new Uint16Array([1, 2, 3, 4]).subarray(1, 3), new Uint16Array([2, 3])],
  ['a regular expression', /a\/b/giu, /a\/b/giu],
  ['an ArrayBuffer', new Uint8Array([7, 8]).buffer, new Uint8Array([7, 8]).buffer],
  ['an invalid date', new Date(Number.NaN), new Date(Number.NaN)],
  ['the earliest date', new Date(-8.64e15), new Date(-8.64e15)],
  ['the latest date', new Date(8.64e15), new Date(8.64e15)],
  ['no number', Number.NaN, Number.NaN],
  ['an endless number', -Infinity, -Infinity],
  ['a key like a method', { toJSON: 1, length: 2, constructor: 3 }, { toJSON: 1, length: 2, constructor: 3 }],
  ['200 objects of different shapes', shapes(200), shapes(200)],
  ['a long text', 'ü'.repeat(100_000), 'ü'.repeat(100_000)],
])('%s', (_, value, expected) => {
  expect(roundTrip(value)).toStrictEqual(expected);
});

function shapes(count: number): unknown[] {
  return Array.from({ length: count }, (_, n) => ({ [`a${n}`]: n, [`b${n}`]: { [`c${n}`]: n } }));
}

class Point {
  x = 1;
}
class Names extends Array<string> {}
class Index extends Map<string, string> {}
const cycle: { list: unknown[] } = { list: [] };
cycle.list.push({ back: cycle });
const named = Object.assign([1], { extra: 2 });
let deep: unknown = 1;
for (let n = 0; n < 100_000; n++) deep = [deep];

test.each<[what: string, value: unknown, message: string | RegExp]>([
  ['a function', { a: [{ f: () => 1 }] }, 'state.a[0].f is a function'],
  ['a symbol', { 'my key': Symbol('x') }, 'state["my key"] is a symbol'],
  ['an instance of a class', { p: new Point() }, 'state.p is a Point'],
  ['an instance of a class that extends Array', { p: new Names() }, 'state.p is a Names'],
  ['an instance of a class that extends Map', { p: new Index() }, 'state.p is a Index'],
  ['an error', { e: new Error('x') }, 'state.e is a Error'],
  ['a promise', { p: Promise.resolve() }, 'state.p is a Promise'],
  ['a WeakMap', { p: new WeakMap() }, 'state.p is a WeakMap'],
  ['a cycle', cycle, 'state.list[0].back refers back'],
  // biome-ignore lint/suspicious/noSparseArray: that is the point
  ['a hole', { a: [1, , 3] }, 'state.a[1] is a hole'],
  ['an array with names', { named }, 'state.named is an array with named'],
  ['a lone surrogate', { s: ['x\ud800'] }, 'state.s[0] is a string with a lone surrogate'],
  ['a lone surrogate in a key', { o: { '\udc00': 1 } }, 'is a key with a lone surrogate'],
  ['__proto__', JSON.parse('{"a":{"__proto__":{"admin":true}}}'), 'state.a.__proto__ is a reserved name'],
  ['a symbol as a key', { [Symbol('k')]: 1 }, 'state has the symbol Symbol(k) as a key'],
  ['a value in a Map', { m: new Map([['k', () => 1]]) }, 'state.m.get("k") is a function'],
  ['a key of a Map', { m: new Map([[() => 1, 1]]) }, 'state.m.keys()[0] is a function'],
  ['a value in a Set', { s: new Set([1, Symbol('x')]) }, 'state.s.values()[1] is a symbol'],
  ['100,000 arrays in each other', { deep }, /state\.deep(\[0\])+.* is nested/],
])('%s is refused with its path', (_, value, message) => {
  let caught: unknown;
  try {
    codec.encode(value, 'state');
  } catch (error) {
    caught = error;
  }
  expect(MotionError.is(caught, 'NOT_SERIALIZABLE'), String(caught)).toBe(true);
  if (typeof message === 'string') expect((caught as Error).message).toContain(message);
  else expect((caught as Error).message).toMatch(message);
});

test('the same object in two places is no cycle', () => {
  const shared = { a: 1 };
  expect(roundTrip([shared, { shared }])).toEqual([{ a: 1 }, { shared: { a: 1 } }]);
});

describe('extensions', () => {
  class Money {
    readonly #cents: bigint;
    constructor(cents: bigint) {
      this.#cents = cents;
    }
    get cents(): bigint {
      return this.#cents;
    }
  }
  class Other {}
  const extended: Codec = msgpackCodec({
    extensions: [
      { type: 90, class: Money, encode: (m: Money) => m.cents, decode: (cents) => new Money(cents as bigint) },
    ],
  });

  test('store instances of a class, wherever they stand', () => {
    const back = extended.decode(extended.encode({ prices: [new Money(5n), new Map([['a', new Money(7n)]])] }, 'x'));
    const { prices } = back as { prices: [Money, Map<string, Money>] };
    expect(prices[0]).toBeInstanceOf(Money);
    expect(prices[0].cents).toBe(5n);
    expect(prices[1].get('a')?.cents).toBe(7n);
  });

  test('are for the codec that names them', () => {
    expect(() => codec.encode(new Money(1n), 'state')).toThrow(/state is a Money/);
  });

  test.each([
    [{ type: 0, class: Other, encode: () => 1, decode: () => new Other() }],
    [{ type: 101, class: Other, encode: () => 1, decode: () => new Other() }],
    [{ type: 1.5, class: Other, encode: () => 1, decode: () => new Other() }],
    [{ type: 90, class: Other, encode: () => 1, decode: () => new Other() }],
  ])('with a bad or a taken type are refused', (extension) => {
    expect(() => msgpackCodec({ extensions: [extension] })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTIONS' }) as Error,
    );
  });
});
