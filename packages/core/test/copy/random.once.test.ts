import { copyInstances } from '@motion-ts/core';
import { MemoryStore } from '@motion-ts/memory';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Journal } from '../runtime/fixtures.js';
import { at, Narrow, runAll, seen, using } from './stores.js';

const word = fc.string({ minLength: 1, maxLength: 6 });
const key = fc.option(fc.constantFrom('k1', 'k2', 'k3'), { nil: undefined });
const size = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 3_000, max: 60_000 }));
const step = fc.oneof(
  fc.record({ flow: fc.constantFrom('add', 'twice', 'fragile'), word, key }),
  fc.record({ flow: fc.constant('big'), size }),
  fc.record({ flow: fc.constant('long'), size }),
  fc.record({ flow: fc.constant('run') }),
);
type Step = { flow: string; word?: string; key?: string | undefined; size?: number };
const limits = fc.record({
  valueBytes: fc.integer({ min: 12_000, max: 200_000 }),
  commitBytes: fc.integer({ min: 24_000, max: 300_000 }),
  commitOps: fc.integer({ min: 20, max: 300 }),
  getKeys: fc.integer({ min: 4, max: 40 }),
  getBytes: fc.integer({ min: 240_000, max: 900_000 }),
});

const components = ['Journal'];
/** Half of what is fragile breaks. */
const broken = (): Journal => {
  const component = new Journal();
  const { has } = component.broken;
  component.broken.has = (text) => has.call(component.broken, text) || text.length % 2 === 1;
  return component;
};

async function play(store: MemoryStore, steps: readonly Step[]): Promise<void> {
  await at(store, 'x', 'off', async () => undefined);
  for (const { flow, word: text = '', key: idempotencyKey, size: bytes = 0 } of steps) {
    if (flow === 'run') await runAll(store, 'x', broken());
    else
      await at(store, 'x', 'off', async (instance) => {
        const options = idempotencyKey === undefined ? {} : { idempotencyKey };
        if (flow === 'big') await instance.run('big', { size: bytes });
        else if (flow === 'long') await instance.run('add', { word: 'y'.repeat(bytes) });
        else await instance.run(flow as 'add', { word: text }, options);
      });
  }
}

/** How many updates share a commit is up to time. */
const withoutVersion = (instance: unknown): unknown => ({ ...(instance as object), version: 0 });

test('any instance, by way of any limits, is the same, and goes on in the same way', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 12 }),
      limits,
      limits,
      fc.boolean(),
      async (steps, one, two, moves) => {
        const [first, last] = [new MemoryStore(), new MemoryStore()];
        const stores = [first, new Narrow(one), new Narrow(two), last];
        await play(first, steps);
        const before = await seen(first, 'x');
        for (const [n, to] of stores.slice(1).entries()) {
          const mode = moves && n > 0 ? 'move' : 'copy';
          const report = await copyInstances(stores[n] as MemoryStore, to, { components, mode });
          expect(report).toMatchObject({ copied: 1, problems: [] });
          expect(await seen(to, 'x')).toEqual(before);
        }
        for (const store of [first, last])
          await at(store, 'x', 'off', async (instance) => {
            for (const idempotencyKey of ['k1', 'k2', 'k3'])
              await instance.run('add', { word: idempotencyKey }, { idempotencyKey });
          });
        const [there, here] = [await runAll(last, 'x', broken()), await runAll(first, 'x', broken())];
        expect(withoutTimes(there)).toEqual(withoutTimes(here));
        await using(last, 'off', async (motion) => motion.clear(Journal, 'x'));
        expect(await last.list('Journal/x', { prefix: '', limit: 10 })).toEqual([]);
      },
    ),
    { numRuns: 60 },
  );
});

/** What a dead letter says of when and where it died is of each run. */
function withoutTimes(instance: unknown): unknown {
  const { letters, ...rest } = withoutVersion(instance) as { letters: { error: { message: string } }[] };
  return {
    ...rest,
    letters: letters.map((letter) => ({ ...letter, id: '', diedAt: 0, queuedAt: 0, error: letter.error.message })),
  };
}
