import { describeDrawn } from '../circumstances.js';
import { type Trouble, troubles } from './plan.js';
import { Scenario, type ScenarioOptions, type ScenarioResult } from './scenario.js';

/** Runs one seed. The same seed, options and library give the same result, to the last event. */
export function simulateSeed(seed: number, options: ScenarioOptions): Promise<ScenarioResult> {
  return new Scenario(seed, options).run();
}

/** The sum of many runs. */
export interface Totals {
  readonly seeds: number;
  readonly failed: readonly ScenarioResult[];
  readonly counts: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** Runs seeds one after another. */
export async function simulateSeeds(
  first: number,
  count: number,
  options: ScenarioOptions & { readonly onFailure?: (result: ScenarioResult) => void; readonly mostFailures?: number },
): Promise<Totals> {
  const started = performance.now();
  const counts: Record<string, number> = {};
  const failed: ScenarioResult[] = [];
  let seeds = 0;
  for (let seed = first; seed < first + count && failed.length < (options.mostFailures ?? Infinity); seed++) {
    const result = await simulateSeed(seed, options);
    seeds++;
    for (const [name, n] of Object.entries(result.counts)) counts[name] = (counts[name] ?? 0) + n;
    if (result.problems.length > 0) {
      failed.push(result);
      options.onFailure?.(result);
    }
  }
  return { seeds, failed, counts, seconds: (performance.now() - started) / 1_000 };
}

/** What a failure comes down to. */
export interface Shrunk {
  /** The kinds of trouble without which the seed does not fail any more. */
  readonly needs: readonly Trouble[];
  /** The others. */
  readonly without: ReadonlySet<Trouble>;
}

/** Leaves out one kind of trouble after the other, for as long as the seed fails all the same. */
export async function shrink(seed: number, options: ScenarioOptions): Promise<Shrunk> {
  const without = new Set(options.without);
  // Until nothing more can go: what was needed beside another kind may not be without it.
  for (let before = -1; before !== without.size; ) {
    before = without.size;
    for (const trouble of troubles) {
      if (without.has(trouble)) continue;
      const { problems } = await simulateSeed(seed, { ...options, without: new Set([...without, trouble]) });
      if (problems.length > 0) without.add(trouble);
    }
  }
  return { needs: troubles.filter((trouble) => !without.has(trouble)), without };
}

/** What is to be told of a failed run: the seed, its problems, what was drawn, and what of it the failure takes. */
export function describeFailure({ seed, problems, hash, plan }: ScenarioResult, needs?: readonly Trouble[]): string {
  return [
    `seed ${seed} (hash ${hash}) failed:`,
    ...problems.map((problem) => `  ${problem}`),
    `  drawn: ${describeDrawn(plan)}`,
    ...(needs ? [`  it takes: ${needs.join(', ') || 'no trouble at all'}`] : []),
    `  play it again: npm run simulate -- replay ${seed}${plan.rollbacks > 0 ? ' --rollback' : ''} --trace`,
  ].join('\n');
}
