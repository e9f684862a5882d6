import type { FaultOptions, FaultReport } from './options.js';

/** Problems beyond say nothing new. */
const MOST = 30;

/** Draws a seed if none was given. */
export function seedOf({ seed }: FaultOptions): number {
  return seed ?? Math.floor(Math.random() * 2 ** 31);
}

/** Prints what came of an attack in a line. */
export function report(
  name: string,
  { print = console.log, alteration }: FaultOptions,
  seed: number,
  problems: readonly string[],
  figures: Readonly<Record<string, number>>,
): FaultReport {
  const told = Object.entries(figures).map(([what, n]) => `${what} ${Number.isInteger(n) ? n : n.toFixed(1)}`);
  const altered = alteration === undefined ? '' : ` with '${alteration}'`;
  print(`${name}${altered}, seed ${seed}: ${told.join(', ')}; ${problems.length} problems`);
  const shown = problems.slice(0, MOST);
  if (problems.length > MOST) shown.push(`and ${problems.length - MOST} more`);
  return { seed, problems: shown, figures };
}

/** How many, the median and the most of some times. */
export function spread(name: string, times: readonly number[]): Record<string, number> {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number): number => Math.round(sorted[Math.ceil(part * sorted.length) - 1] ?? 0);
  return { [name]: times.length, [`${name} p50 ms`]: at(0.5), [`${name} p100 ms`]: at(1) };
}
