import { afterAll, describe, expect, test } from 'vitest';
import { INVARIANTS, type Invariant } from '../../src/simulation/audit/invariants.js';
import { simulateSeeds } from '../../src/simulation/journal/run.js';
import { coreWith, mutants } from './mutants.js';

/** A test that cannot fail proves nothing: each of these mistakes must be found within so many seeds. */
const SEEDS = 300;
const NIGHTLY = process.env['MOTION_NIGHTLY'] !== undefined;
const drawn = mutants.filter(({ directed }) => !directed);
const chosen = drawn.filter(({ quick }) => NIGHTLY || quick);

describe(`mistakes in copies of core: ${chosen.length} of ${drawn.length}`, () => {
  const table: { readonly mutant: string; readonly seed: number; readonly breaks: string; readonly problem: string }[] =
    [];
  const broken = new Set<Invariant>();

  test.each(chosen)('$name', { timeout: 600_000 }, async (mutant) => {
    const core = await coreWith(mutant);
    const totals = await simulateSeeds(1, SEEDS, {
      core,
      rollback: mutant.rollback ?? false,
      plan: mutant.plan ?? {},
      mostFailures: 1,
    });
    const [found] = totals.failed;
    expect(found, `${totals.seeds} seeds did not find it`).toBeDefined();
    // A copy that cannot run would be found, too.
    expect(found?.problems.join()).not.toMatch(/(Reference|Type|Syntax)Error/);
    for (const invariant of found?.invariants ?? []) broken.add(invariant);
    const breaks = found?.invariants.join(' ') || 'promise';
    table.push({
      mutant: mutant.name,
      seed: found?.seed ?? 0,
      breaks,
      problem: found?.problems[0]?.slice(0, 100) ?? '',
    });
  });

  test('break every invariant: none of them is checked in vain', () => {
    expect([...broken].sort()).toEqual(Object.keys(INVARIANTS).sort());
  });

  afterAll(() => {
    const lines = table.map(
      ({ mutant, seed, breaks, problem }) =>
        `${mutant.padEnd(46)} seed ${String(seed).padStart(3)}  ${breaks.padEnd(11)} ${problem.replace(/^t=\d+ /, '')}`,
    );
    console.log(lines.join('\n'));
  });
});

test('every mistake of the design has a name of its own', () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  expect(mutants.length).toBeGreaterThanOrEqual(24);
});
