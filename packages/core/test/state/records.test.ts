import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { expect, test } from 'vitest';
import * as records from '../../src/state/records.js';

const text = fc.string({ unit: 'grapheme' });
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
// A Buffer here: which kind of bytes comes back is the codec's business, and these never meet a user.
const bytes = fc.uint8Array({ maxLength: 50 }).map((data) => Buffer.from(data));
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary);

const root: fc.Arbitrary<records.Root> = fc.record({
  incarnation: text,
  holder: maybe(text),
  epoch: count,
  beat: count,
  cursor: count,
  index: count,
  version: count,
  tries: count,
  deadLetters: count,
  carefulUntil: count,
  running: maybe(text),
  crashes: count,
  sweptAt: count,
});
const call: fc.Arbitrary<records.Call> = fc.record({
  id: text,
  flow: text,
  updates: fc.array(text),
  payload: bytes,
  at: count,
});
const storedError: fc.Arbitrary<records.StoredError> = fc.record(
  { name: text, message: text, stack: text, code: text },
  { requiredKeys: ['name', 'message'] },
);
const outcome: fc.Arbitrary<records.Outcome> = fc.oneof(
  fc.record({
    kind: fc.constant('discarded' as const),
    why: fc.constantFrom('age' as const, 'newer' as const),
    at: count,
    seq: count,
  }),
  fc.record({
    kind: fc.constant('dead' as const),
    flow: text,
    update: text,
    error: storedError,
    tries: count,
    queuedAt: count,
    at: count,
    seq: count,
    payload: bytes,
  }),
);

interface Kind {
  readonly name: string;
  readonly arbitrary: fc.Arbitrary<unknown>;
  readonly encode: (value: never) => Uint8Array;
  readonly decode: (data: Uint8Array, where: string) => unknown;
}
const kinds: Kind[] = [
  {
    name: 'init',
    arbitrary: fc.record({ component: text, id: text, codec: text, createdAt: count }),
    encode: records.encodeInit,
    decode: records.decodeInit,
  },
  { name: 'root', arbitrary: root, encode: records.encodeRoot, decode: records.decodeRoot },
  { name: 'dir', arbitrary: fc.array(text), encode: records.encodeDir, decode: records.decodeDir },
  { name: 'batch', arbitrary: fc.array(call), encode: records.encodeBatch, decode: records.decodeBatch },
  {
    name: 'changes',
    arbitrary: fc.array(fc.tuple(text, maybe(bytes))).map((pairs) => new Map(pairs)),
    encode: records.encodeChanges,
    decode: records.decodeChanges,
  },
  { name: 'outcome', arbitrary: outcome, encode: records.encodeOutcome, decode: records.decodeOutcome },
  { name: 'stamp', arbitrary: count, encode: records.encodeStamp, decode: records.decodeStamp },
  {
    name: 'used key',
    arbitrary: fc.record({ call: text, updates: count, at: count }),
    encode: records.encodeUsedKey,
    decode: records.decodeUsedKey,
  },
];

const corrupt = (): Error =>
  expect.objectContaining({ code: 'CORRUPT', message: expect.stringContaining('the thing') as string }) as Error;
const packr = new Packr({ useRecords: false });

test.each(kinds)('$name: comes back as it was', ({ arbitrary, encode, decode }) => {
  fc.assert(
    fc.property(arbitrary, (value) => {
      expect(decode(encode(value as never), 'the thing')).toEqual(value);
    }),
  );
});

test.each(kinds)('$name: what something else wrote is CORRUPT', ({ decode }) => {
  for (const foreign of [
    new Uint8Array(),
    new Uint8Array([0xc1]),
    new TextEncoder().encode('{"hello":"world"}'),
    packr.pack('text'),
    packr.pack({ a: 1 }),
    packr.pack([]),
    packr.pack([2, 1, 1]),
    packr.pack([1]),
    packr.pack([1, null, null, null]),
    packr.pack([1, {}, {}, {}]),
    packr.pack([1, [[1]], [2], [3]]),
  ])
    expect(() => decode(foreign, 'the thing'), Buffer.from(foreign).toString('hex')).toThrow(corrupt());
});

test.each(kinds)('$name: damaged bytes are CORRUPT, or another good record, and nothing else', (kind) => {
  const { arbitrary, encode, decode } = kind;
  fc.assert(
    fc.property(arbitrary, fc.nat(), fc.nat({ max: 255 }), fc.boolean(), (value, at, byte, cut) => {
      const good = encode(value as never);
      const bad = cut ? good.slice(0, at % good.length) : good.slice();
      if (!cut) bad[at % bad.length] = byte;
      let decoded: unknown;
      try {
        decoded = decode(bad, 'the thing');
      } catch (error) {
        expect(error).toEqual(corrupt());
        return;
      }
      // It reads as a record: then as one that can be written again.
      expect(decode(encode(decoded as never), 'the thing')).toEqual(decoded);
    }),
    { numRuns: 500 },
  );
});

test('a record of a later format says so', () => {
  expect(() => records.decodeStamp(packr.pack([2, 5]), 'the thing')).toThrow(/format 2.*use a newer one/);
});
