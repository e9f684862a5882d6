import { expect, test } from 'vitest';
import { simulateSeeds } from '../../src/simulation/journal/run.js';
import { coreWith, mutants } from './mutants.js';

/** A test that cannot fail proves nothing: each of these mistakes must be found within so many seeds. */
const SEEDS = 300;

test.each(mutants)('the simulation finds out when $name', { timeout: 60_000 }, async (mutant) => {
  const core = await coreWith(mutant);
  const totals = await simulateSeeds(1, SEEDS, {
    core,
    rollback: mutant.rollback ?? false,
    plan: mutant.plan ?? {},
    mostFailures: 1,
  });
  const [found] = totals.failed;
  console.log(`${mutant.name}: ${found ? `seed ${found.seed}: ${found.problems[0]}` : 'not found'}`);
  expect(found, `${totals.seeds} seeds did not find it`).toBeDefined();
  // A copy that cannot run would be found, too.
  expect(found?.problems.join()).not.toMatch(/(Reference|Type|Syntax)Error/);
});
