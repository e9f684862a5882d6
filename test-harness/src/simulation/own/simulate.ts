import { type Trouble, troubles } from '../circumstances.js';
import { happens, SimulationFailed } from './failure.js';
import { simulateGlobals } from './globals.js';
import { watchForReal } from './inside.js';
import type { SeedResult, SimulationOptions, SimulationPlan, SimulationReport } from './options.js';
import { SeedRun, type Variation } from './seed-run.js';

/**
 * Runs components of yours in simulated processes on a simulated store, under virtual time, while processes die, stall and
 * have wrong clocks, and messages are lost, late and doubled: again and again, each time by another seed. The library's own
 * invariants are checked after every commit, and yours when all is quiet.
 *
 * In the simulated processes `Date`, `setTimeout` and their like, `performance.now`, `Math.random` and
 * `crypto.randomUUID` are the simulated world's. Anything real - the network, files, timers that were imported - is
 * reported: give the component a stand-in.
 *
 * @returns what happened, if no seed failed
 * @throws SimulationFailed by the first seed that fails: with its problems, what was drawn for it, the kinds of trouble that
 *   it takes, and how to play it again
 * @example
 * await simulate({
 *   seeds: 200,
 *   components: [[BookRecommender, () => new BookRecommender(fakeLlm)]],
 *   async scenario({ open, random }) {
 *     const rec = await open(BookRecommender, 'user-1', { init: { likedBooks: [] } });
 *     await rec.run('like', { title: random.pick(['Emma', 'Persuasion']) }, { flushUpdates: random.chance(0.5) });
 *   },
 *   async check({ state, acknowledged }) {
 *     const found = await state(BookRecommender, 'user-1');
 *     assert.ok((found?.likedBooks.length ?? 0) >= acknowledged.length);
 *   },
 * });
 */
export async function simulate<Outside = undefined>(options: SimulationOptions<Outside>): Promise<SimulationReport> {
  const [first, count] = seedsOf(options.seeds);
  const without = withoutOf(options.without);
  const started = performance.now();
  const counts: Record<string, number> = {};
  const restoreGlobals = simulateGlobals();
  const stopWatching = watchForReal();
  const run = (seed: number, variation: Variation, trace = false): Promise<SeedResult> =>
    new SeedRun(seed, trace ? options : { ...options, trace: () => undefined }, variation).run();
  try {
    for (let seed = first; seed < first + count; seed++) {
      const result = await run(seed, { without }, true);
      for (const [name, n] of Object.entries(result.counts)) counts[name] = (counts[name] ?? 0) + n;
      // What cannot be repeated can hardly be mended: the first seed shows whether it can.
      const again = seed === first || result.problems.length > 0 ? await run(seed, { without }) : result;
      if (again.hash !== result.hash) throw new SimulationFailed(result, undefined, NOT_THE_SAME);
      if (result.problems.length > 0) throw new SimulationFailed(result, await shrink(result, without, run), undefined);
    }
  } finally {
    stopWatching();
    restoreGlobals();
  }
  return { seeds: count, seconds: (performance.now() - started) / 1_000, counts };
}

const NOT_THE_SAME =
  'the same seed went another way the second time: something in the components or the scenario is not decided by the simulated world (state that outlives a seed, chance or time of their own, real I/O)';

/** What a failure needs, found out by leaving out one thing after the other. */
async function shrink(
  { seed, plan }: SeedResult,
  given: ReadonlySet<Trouble>,
  run: (seed: number, variation: Variation) => Promise<SeedResult>,
): Promise<Variation> {
  let without = given;
  let changed: Partial<SimulationPlan> = {};
  const fails = async (variation: Variation): Promise<boolean> => (await run(seed, variation)).problems.length > 0;
  for (const trouble of troubles) {
    if (without.has(trouble) || !happens(plan, trouble)) continue;
    const fewer = new Set([...without, trouble]);
    if (await fails({ without: fewer, plan: changed })) without = fewer;
  }
  for (const [key, least] of [
    ['callers', 1],
    ['incidents', 0],
    ['incidents', 1],
    ['incidents', 3],
    ['workers', 0],
  ] as const) {
    if (key in changed || plan[key] <= least) continue;
    const next = { ...changed, [key]: least };
    if (await fails({ without, plan: next })) changed = next;
  }
  return { without, plan: changed };
}

function seedsOf(seeds: SimulationOptions['seeds'] = 100): readonly [first: number, count: number] {
  const [first, count] = typeof seeds === 'number' ? [1, seeds] : seeds;
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count < 1)
    throw new TypeError(`seeds must be how many, or [first, how many], in whole numbers from 1; not ${String(seeds)}`);
  return [first, count];
}

function withoutOf(without: readonly Trouble[] = []): ReadonlySet<Trouble> {
  const unknown = without.find((trouble) => !troubles.includes(trouble));
  if (unknown !== undefined)
    throw new TypeError(`there is no trouble called '${unknown}'; there are ${troubles.join(', ')}`);
  return new Set(without);
}
