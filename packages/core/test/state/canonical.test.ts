import { msgpackCodec } from '@motion-ts/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonical as canonicalOf } from '../../src/state/canonical.js';

const codec = msgpackCodec();
const canonical = (value: unknown): string => canonicalOf(value, codec);
const json = fc.jsonValue({ maxDepth: 4, noUnicodeString: false });

/** The same value with all keys the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  );
}

test('equal values give equal text, whatever the order of keys', () => {
  fc.assert(fc.property(json, (value) => canonical(reversed(value)) === canonical(value)));
});

test('what comes back from the store gives the text of what went in', () => {
  fc.assert(
    fc.property(json, (value) => {
      fc.pre(!JSON.stringify(value).includes('__proto__'));
      return canonical(codec.decode(codec.encode(value, ''))) === canonical(value);
    }),
  );
});

test('values that differ give texts that differ', () => {
  const plain = (value: unknown): string => JSON.stringify(reversed(reversed(sorted(value))));
  fc.assert(
    fc.property(json, json, (a, b) => (canonical(a) === canonical(b)) === (plain(a) === plain(b))),
    { numRuns: 2_000 },
  );
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (Object.is(value, -0)) return 0;
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => [key, sorted(item)])
    .concat(['object']);
}

class Tag {
  readonly #id: number;
  constructor(id: number) {
    this.#id = id;
  }
  get id(): number {
    return this.#id;
  }
}

test('no two of these have one text', () => {
  const all: unknown[] = [
    ...[null, undefined, true, false, 0, 1, 1.5, Number.NaN, Infinity, 1n, 0n],
    ...['', '0', '1', 'null', '1n', 'true', 'undefined', '[]', '{}', 'NaN'],
    ...[[], [[]], [null], [undefined], [1, 2], ['1,2'], ['1', '2'], '1,2', ['1","2']],
    ...[{}, { a: 1 }, { a: '1' }, { a: undefined }, { b: 1 }, { a: 1, b: 2 }, { 'a":1,"b': 2 }, { a: { b: 2 } }],
    ...[new Date(0), new Date(1), new Date(Number.NaN), '1970-01-01T00:00:00.000Z', 'Date(0)'],
    ...[new Map(), new Map([['a', 1]]), new Map([['a', '1']]), new Map([[1, 1]]), new Map([['1', 1]])],
    new Map([
      [1, 1],
      [2, 2],
    ]),
    new Map([
      [2, 2],
      [1, 1],
    ]),
    ...[new Set(), new Set([1]), new Set(['1']), new Set([1, 2]), new Set([[1, 2]]), new Set([{}])],
    ...[new Uint8Array(), new Uint8Array([1]), new Int8Array([1]), new Uint16Array([1]), new Uint8Array([1, 0])],
    ...[new Uint8Array([1]).buffer, new DataView(new Uint8Array([1]).buffer), '01', [1], new Float64Array(1)],
    ...[/a/, /a/g, '/a/', /\/a/],
    ...[{ constructor: { name: 'Map' } }, { constructor: { name: 'Date' } }, { constructor: 1 }],
  ];
  const seen = new Map<string, unknown>();
  for (const value of all) {
    const text = canonical(value);
    expect(seen.has(text), `${text}: ${String(seen.get(text))} and ${String(value)}`).toBe(false);
    seen.set(text, value);
  }
});

test('a Buffer is the Uint8Array as which it comes back, -0 is 0', () => {
  expect(canonical(Buffer.from([1]))).toBe(canonical(new Uint8Array([1])));
  expect(canonical(-0)).toBe(canonical(0));
  expect(canonical(Object.assign(Object.create(null), { a: 1 }))).toBe(canonical({ a: 1 }));
});

test('instances of a class differ as what the codec makes of them', () => {
  const extended = msgpackCodec({
    extensions: [{ type: 91, class: Tag, encode: (tag: Tag) => tag.id, decode: (id) => new Tag(id as number) }],
  });
  expect(canonicalOf({ tag: new Tag(1) }, extended)).toBe(canonicalOf({ tag: new Tag(1) }, extended));
  expect(canonicalOf({ tag: new Tag(1) }, extended)).not.toBe(canonicalOf({ tag: new Tag(2) }, extended));
});
