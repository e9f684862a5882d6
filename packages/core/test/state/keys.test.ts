import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePartition, partitionOf, partitionPrefix, stateKey } from '../../src/state/keys.js';

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const NAME = /^[\x21-\x7e]{1,512}$/;
const bad = (message: RegExp): Error =>
  expect.objectContaining({ code: 'INVALID_ID', message: expect.stringMatching(message) as string }) as Error;

test('a partition tells its component and id, and is a name that every store takes', () => {
  fc.assert(
    fc.property(name, name, (component, id) => {
      const partition = partitionOf(component, id);
      expect(partition).toMatch(NAME);
      expect(parsePartition(partition)).toEqual({ component, id });
      expect(partition.startsWith(partitionPrefix(component))).toBe(true);
    }),
  );
});

test('two instances never share a partition, nor two components a prefix', () => {
  fc.assert(
    fc.property(name, name, name, name, (c1, i1, c2, i2) => {
      fc.pre(c1 !== c2 || i1 !== i2);
      expect(partitionOf(c1, i1)).not.toBe(partitionOf(c2, i2));
      if (c1 !== c2) expect(partitionOf(c1, i1).startsWith(partitionPrefix(c2))).toBe(false);
    }),
  );
});

test.each(['a/b', '../x', '~', '%41', 'a b', '"', "'", '\u0000', '\n', '🦊', 'é', '.', 'constructor', '__proto__'])(
  'the id %j is taken as it is',
  (id) => {
    expect(parsePartition(partitionOf('C', id))).toEqual({ component: 'C', id });
  },
);

test.each<[unknown, RegExp]>([
  ['', /not empty/],
  [undefined, /not undefined/],
  [null, /not object/],
  [7, /not number/],
  ['\ud800', /lone surrogate/],
  ['x'.repeat(511), /too long/],
  ['🦊'.repeat(43), /too long/],
])('the id %j is refused', (id, message) => {
  expect(() => partitionOf('C', id as string)).toThrow(bad(message));
});

test('the longest id that fits is taken', () => {
  expect(partitionOf('C', 'x'.repeat(510))).toMatch(NAME);
});

test.each(['', '/', 'x', '/x', '%/x', 'a/%E0%A4'])('the partition %j is nobody’s', (partition) => {
  const parsed = parsePartition(partition);
  expect(parsed === undefined || partitionOf(parsed.component, parsed.id || ' ') !== partition).toBe(true);
});

test('keys of the state have entries of their own, however long or odd', () => {
  const long = 'ü'.repeat(500);
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })), (names) => {
      const keys = names.flatMap((n) => [n, long + n, `~${n}`]).map(stateKey);
      expect(new Set(keys).size).toBe(keys.length);
      for (const key of keys) {
        expect(key).toMatch(NAME);
        expect(key.startsWith('s/')).toBe(true);
      }
    }),
  );
});
