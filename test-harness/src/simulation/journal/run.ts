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

/** The kinds of trouble without which a seed does not fail any more. */
export async function shrink(seed: number, options: ScenarioOptions): Promise<Trouble[]> {
  const without = new Set(options.without);
  for (const trouble of troubles) {
    const fewer = new Set([...without, trouble]);
    const { problems } = await simulateSeed(seed, { ...options, without: fewer });
    if (problems.length > 0) without.add(trouble);
  }
  return troubles.filter((trouble) => !without.has(trouble));
}

/** What is to be told of a failed run. */
export function describeFailure({ seed, problems, hash, plan }: ScenarioResult): string {
  return [
    `seed ${seed} (hash ${hash}) failed:`,
    ...problems.map((problem) => `  ${problem}`),
    `  ${JSON.stringify(plan)}`,
  ].join('\n');
}
