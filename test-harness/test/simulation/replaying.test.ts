import { describe, expect, test } from 'vitest';
import { describeFailure, shrink, simulateSeeds } from '../../src/simulation/journal/run.js';
import { coreWith, mutants } from './mutants.js';

/** A mistake that only a late copy, or a lost answer, can show. */
async function aFailure() {
  const mutant = mutants.find(({ name }) => name === 'no writer slot');
  if (!mutant) throw new Error('there is no such mutant');
  const options = { core: await coreWith(mutant) };
  const { failed } = await simulateSeeds(1, 300, { ...options, mostFailures: 1 });
  const [found] = failed;
  if (!found) throw new Error('nothing was found');
  return { found, options };
}

describe('a seed that fails', () => {
  test('is shrunk to the kinds of trouble that it takes', { timeout: 60_000 }, async () => {
    const { found, options } = await aFailure();
    const { needs, without } = await shrink(found.seed, options);
    console.log(describeFailure(found, needs));
    // A call is appended twice only if it is sent twice.
    expect(needs.length).toBeGreaterThan(0);
    expect(needs.length).toBeLessThan(6);
    expect(needs.some((trouble) => ['loss', 'duplicates', 'slow'].includes(trouble))).toBe(true);
    // All that is left out is not needed, and none of what is left can go.
    const run = (leftOut: Iterable<(typeof needs)[number]>) =>
      simulateSeeds(found.seed, 1, { ...options, without: new Set(leftOut) });
    expect((await run(without)).failed).toHaveLength(1);
    for (const need of needs) expect((await run([...without, need])).failed, need).toHaveLength(0);
  });

  test('says its seed, what was drawn, and what it takes', async () => {
    const { found, options } = await aFailure();
    const text = describeFailure(found, (await shrink(found.seed, options)).needs);
    expect(text).toContain(`seed ${found.seed} `);
    expect(text).toMatch(/drawn: .*ttlMs \d+/);
    expect(text).toMatch(/it takes: [a-z]+/);
    expect(text).toContain(`replay ${found.seed} --trace`);
  });
});
