import assert from 'node:assert/strict';
import { Component, InitState, MotionError, type State, Update, type UpdateProps } from '@motion-ts/core';
import { simulate } from '@motion-ts/test-harness/simulation';
import { expect, test } from 'vitest';

/** A state of very many keys, each with a value as long as an entry may hold. */
class Wide extends Component<{ flows: { add: { props: { from: number; count: number } } } }> {
  @InitState() setup() {
    return {};
  }
  @Update('add') add(_: State<Wide>, { from, count }: UpdateProps<Wide, 'add'>) {
    return Object.fromEntries(Array.from({ length: count }, (__, n) => [nameOf(from + n), 'x'.repeat(990)]));
  }
}

const nameOf = (n: number): string => `a key with a name of its own, ${n}`;
const STEP = 5;
const limits = { getKeys: 20, getBytes: 20_000, valueBytes: 8_000, commitOps: 40, commitBytes: 40_000 };

test('a state grows until its names fill an entry: then updates fail, and all that is there stays in use', async () => {
  const most = limits.valueBytes / (nameOf(100).length + 5);
  const { counts } = await simulate({
    seeds: 3,
    components: [Wide],
    plan: { limits, callers: 1, incidents: 0 },
    quietMs: 600_000,
    async scenario({ open }) {
      const wide = await open(Wide, 'a');
      let refused: unknown;
      for (let n = 0; refused === undefined; n += STEP) {
        assert.ok(n < 2 * most, 'there is an end');
        await wide.run('add', { from: n, count: STEP }, { flushUpdates: true }).catch((error: unknown) => {
          if (!MotionError.is(error, 'UPDATE_FAILED')) throw error;
          refused = error.cause;
        });
      }
      assert.match(String(refused), /more keys than this store can hold the names of \(8000 bytes\)/);
      // What has its name already goes on.
      await wide.run('add', { from: 0, count: STEP }, { flushUpdates: true });
    },
    without: ['kills', 'closes', 'pauses', 'loss', 'slow', 'refusals', 'full'],
    async check({ state, open }) {
      const names = Object.keys((await state(Wide, 'a')) ?? {});
      assert.ok(names.length > most - 2 * STEP && names.length <= most + STEP, `${names.length} of ${most}`);
      const wide = await open(Wide, 'a');
      assert.equal((await wide.deadLetters()).length, 1);
    },
  });
  expect(counts['checks']).toBe(3);
});
