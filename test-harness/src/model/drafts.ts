import * as fc from 'fast-check';

/**
 * What is drawn by chance. A draft names no revision and no number of the queue, but how to find one in the state that
 * the run has reached (`play.ts`): so it means something whatever came before, and a run can be shrunk.
 */
export type Draft =
  | CommitDraft
  | { readonly kind: 'again'; readonly back: number }
  | { readonly kind: 'drop'; readonly place: number }
  | {
      readonly kind: 'get';
      readonly place: number;
      readonly keys: readonly { readonly key: KeyDraft; readonly known: At | 'none' }[];
    }
  | {
      readonly kind: 'list';
      readonly place: number;
      readonly prefix: string;
      readonly after: string | undefined;
      readonly limit: number;
    }
  | { readonly kind: 'scan'; readonly of: 'due' | 'shards' | 'prefix' }
  | { readonly kind: 'cacheSet'; readonly place: number; readonly key: string; readonly value: string }
  | { readonly kind: 'cacheGet'; readonly place: number; readonly key: string }
  | { readonly kind: 'cacheClear'; readonly place: number };

/** A key, or by a number an appended one: so many before the last. */
export type KeyDraft = string | number;

/** A revision: the current one (of an absent entry: none), an earlier one, that of another entry, one that never was. */
export type At = 'now' | 'old' | 'another' | 'never' | 'absent';

export interface CommitDraft {
  readonly kind: 'commit';
  readonly place: number;
  readonly checks: readonly { readonly key: KeyDraft; readonly at: At }[];
  readonly seqIs: number | undefined;
  readonly puts: readonly { readonly key: string; readonly value: string }[];
  readonly appends: readonly string[];
  readonly deletes: readonly KeyDraft[];
  readonly due: { readonly in: number | null } | { readonly ifNullIn: number } | undefined;
}

/** Names that are prefixes of each other, that sort unexpectedly, or that stand next to what stores use themselves. */
export const KEYS: readonly string[] = ['a', 'a/', 'a/b', 'a0', 'a_b', 'A', 'b', 'q', '~', 'key:1'];

const hour = 3_600_000;
/** Far apart, so that no clock's drift makes one look like another; some beyond 32 bits. */
const DUES = [-50 * 24 * hour, -7 * hour, -hour, hour, 9 * hour, 50 * 24 * hour];

/** Whichever was drawn is made smaller to the first, if that fails too. */
function oneOf<T>(...choices: fc.WeightedArbitrary<T>[]): fc.Arbitrary<T> {
  return fc.oneof({ withCrossShrink: true }, ...choices);
}

const key = fc.constantFrom(...KEYS);
const appended = fc.nat({ max: 3 });
const anyKey = oneOf<KeyDraft>({ weight: 4, arbitrary: key }, { weight: 1, arbitrary: appended });
/** Few, so that what is set is met again. */
const cached = fc.constantFrom('a', 'b');
const place = fc.constantFrom(0, 0, 0, 0, 1, 2);
const value = oneOf(
  { weight: 6, arbitrary: fc.string({ maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom('', '\u0000', '\u00ff\u0080\n', 'x'.repeat(5000)) },
);
const at = fc.constantFrom<At[]>('now', 'now', 'now', 'now', 'absent', 'old', 'another', 'never');
const due = oneOf<CommitDraft['due']>(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 2, arbitrary: fc.record({ in: fc.constantFrom(null, ...DUES) }) },
  { weight: 2, arbitrary: fc.record({ ifNullIn: fc.constantFrom(...DUES) }) },
);

/** At most ten operations: every store takes these. */
const commit: fc.Arbitrary<Draft> = fc.record({
  kind: fc.constant('commit' as const),
  place,
  checks: fc.array(fc.record({ key: anyKey, at }), { maxLength: 2 }),
  // How far from the real one.
  seqIs: oneOf<number | undefined>(
    { weight: 5, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(0, 0, -1, 1) },
  ),
  puts: oneOf<CommitDraft['puts']>(
    { weight: 6, arbitrary: fc.uniqueArray(fc.record({ key, value }), { maxLength: 3, selector: (put) => put.key }) },
    { weight: 1, arbitrary: fc.array(fc.record({ key, value }), { maxLength: 3 }) },
  ),
  appends: oneOf<readonly string[]>(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(value, { maxLength: 3 }) },
  ),
  deletes: oneOf<readonly KeyDraft[]>(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(anyKey, { maxLength: 2 }) },
  ),
  due,
});

const get: fc.Arbitrary<Draft> = fc.record({
  kind: fc.constant('get' as const),
  place,
  keys: fc.array(
    fc.record({ key: anyKey, known: fc.constantFrom<(At | 'none')[]>('none', 'none', 'now', 'now', 'old', 'another') }),
    { maxLength: 5 },
  ),
});

const again = fc.record({ kind: fc.constant('again' as const), back: fc.nat({ max: 3 }) });
const drop = fc.record({ kind: fc.constant('drop' as const), place });

/** One call after the other: everything. */
export const anything: fc.Arbitrary<Draft> = oneOf(
  { weight: 12, arbitrary: commit },
  { weight: 6, arbitrary: get },
  { weight: 2, arbitrary: again },
  { weight: 1, arbitrary: drop },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('list' as const),
      place,
      prefix: fc.constantFrom('', '', 'a', 'a/', 'a_', 'q/', 'q', 'A', 'none'),
      after: fc.option(fc.constantFrom(...KEYS, 'a!', 'q/0000000000000001', '!'), { nil: undefined, freq: 2 }),
      limit: fc.integer({ min: 1, max: 12 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('scan' as const), of: fc.constantFrom('due', 'shards', 'prefix') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cacheSet' as const), place, key: cached, value }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cacheGet' as const), place, key: cached }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cacheClear' as const), place }) },
);

/** Several calls at once: what must have one order. */
export const strict: fc.Arbitrary<Draft> = oneOf(
  { weight: 5, arbitrary: commit },
  { weight: 2, arbitrary: get },
  { weight: 1, arbitrary: again },
);
