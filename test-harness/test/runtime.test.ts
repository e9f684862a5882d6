import type { Store } from '@motion-ts/core/store';
import { MemoryStore } from '@motion-ts/memory';
import { ALTERATIONS, BROKEN_STORES, runtimeSuite } from '@motion-ts/test-harness';
import { describe, expect, test } from 'vitest';
import { Altered } from '../src/broken/altered.js';

interface Recorded {
  readonly name: string;
  readonly body: () => Promise<void>;
}

/** The memory is the others' too. */
class Left extends Altered {
  override async close(): Promise<void> {}
}

/** The cases of the suite, recorded instead of run, on a memory that each open sees through a client of its own. */
function casesOn(breakIt: (good: Store) => Store, timeoutMs: number): Recorded[] {
  const memories = new Map<string, MemoryStore>();
  const cases: Recorded[] = [];
  runtimeSuite({
    describe: (_, body) => body(),
    test: (name, body) => cases.push({ name, body }),
    name: 'broken',
    open: async (namespace) => {
      const memory = memories.get(namespace) ?? new MemoryStore();
      memories.set(namespace, memory);
      return breakIt(new Left(memory));
    },
    timeoutMs,
  });
  return cases;
}

/** What is done to a store, and the case that is meant to find out. */
const CAUGHT_BY: Readonly<Record<string, string>> = {
  'root unchecked': 'a holder that vanished is replaced; what it commits when it is back is refused, and it is told',
  'takeovers refused': 'a holder that vanished is replaced; what it commits when it is back is refused, and it is told',
  'slot unchecked': 'of all flows take effect in the order of the calls',
  'keys unchecked': 'a call repeated with its key queues its updates once, and is served each time',
  'acknowledges early': 'what run acknowledged is queued for all to see, and outlives its process',
  'release lost': 'a state survives the end of all that had it open',
  'due lost': 'come from whoever has them open, and from nobody',
  ChecksIgnored: 'a call repeated with its key queues its updates once, and is served each time',
  SeqWithGaps: 'of all flows take effect in the order of the calls',
  DueAlwaysSet: 'a holder that is alive keeps its lease through an update longer than it',
  ShardIgnored: 'a worker runs the components and the shard that it is for, and no others',
  ListUnordered: 'come in the order of the calls',
  KnownNeverChecked: 'run with flushUpdates: at once seen by another Motion, and by one that starts then',
  DropKeepsSeq: 'clear removes an instance with all that is of it; made again, it begins anew',
  CacheForever: 'a result ends with its ttl',
};

const breaking = (what: string): ((good: Store) => Store) => {
  const found = ALTERATIONS[what] ?? BROKEN_STORES.find(({ name }) => name === what)?.breakIt;
  if (!found) throw new Error(`nothing is called '${what}'`);
  return found;
};

describe('the runtime suite catches a store that is wrong', () => {
  for (const [what, caughtBy] of Object.entries(CAUGHT_BY))
    test.concurrent(what, async () => {
      const meant = casesOn(breaking(what), 6_000).filter(({ name }) => name === caughtBy);
      expect(meant.length, `no case is called "${caughtBy}"`).toBe(1);
      const outcomes = await Promise.allSettled(meant.map(({ body }) => body()));
      expect(outcomes, `"${caughtBy}" passes`).toMatchObject([{ status: 'rejected' }]);
    });

  test('and the same cases pass for the good store, also at the same time', async () => {
    const names = new Set(Object.values(CAUGHT_BY));
    const cases = casesOn((good) => good, 60_000).filter(({ name }) => names.has(name));
    await Promise.all(cases.map(({ body }) => body()));
  }, 90_000);
});

describe('every case has a name of its own in its group', () => {
  test('so that a report says which one failed', () => {
    const groups: string[][] = [];
    runtimeSuite({
      describe: (_, body) => {
        groups.push([]);
        body();
      },
      test: (name) => groups.at(-1)?.push(name),
      name: 'none',
      open: async () => new MemoryStore(),
    });
    for (const names of groups) expect(new Set(names).size).toBe(names.length);
    expect(groups.flat().length).toBeGreaterThan(140);
  });
});
