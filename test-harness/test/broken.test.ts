import type { Store } from '@motion-ts/core/store';
import { MemoryStore } from '@motion-ts/memory';
import { BROKEN_STORES, conformance } from '@motion-ts/test-harness';
import { describe, expect, test } from 'vitest';

interface Recorded {
  readonly name: string;
  readonly body: () => Promise<void>;
}

/** The cases of the suite, recorded instead of run. */
function casesFor(breakIt: (good: Store) => Store): Recorded[] {
  const cases: Recorded[] = [];
  conformance({
    describe: (_, body) => body(),
    test: (name, body) => cases.push({ name, body }),
    name: 'broken',
    open: async () => breakIt(new MemoryStore()),
    supports: { sharedNamespace: false },
  });
  return cases;
}

describe('the conformance suite catches a store that is wrong', () => {
  for (const { name, caughtBy, breakIt } of BROKEN_STORES)
    test(name, async () => {
      const meant = casesFor(breakIt).filter((one) => one.name === caughtBy);
      expect(meant.length, `no case is called "${caughtBy}"`).toBeGreaterThan(0);
      const outcomes = await Promise.allSettled(meant.map((one) => one.body()));
      const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
      expect(failures, `"${caughtBy}" passes`).not.toEqual([]);
      for (const failure of failures) expect(failure).toMatchObject({ name: 'AssertionError' });
    });

  test('and the same cases pass for the good store that they break', async () => {
    const names = new Set(BROKEN_STORES.map((store) => store.caughtBy));
    for (const one of casesFor((good) => good)) if (names.has(one.name)) await one.body();
  });
});
