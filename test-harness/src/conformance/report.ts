/** What a group of cases is about. A store is certified level by level. */
export type Level =
  | 'interface and edges'
  | 'atomicity'
  | 'order'
  | 'lock and fencing'
  | 'durability'
  | 'failure behaviour';

export const LEVELS: readonly Level[] = [
  'interface and edges',
  'atomicity',
  'order',
  'lock and fencing',
  'durability',
  'failure behaviour',
];

/** A case that failed. */
export interface FailedCase {
  readonly case: string;
  /** What it said. */
  readonly message: string;
  /** What it threw. */
  readonly error: unknown;
}

/** What the cases of one level gave. */
export interface LevelReport {
  readonly level: Level;
  readonly passed: number;
  readonly failed: readonly FailedCase[];
  /** Cases that did not run because of what the store declares or its author did not give. */
  readonly notClaimed: readonly { readonly case: string; readonly because: string }[];
  /** Cases that should have run and did not, say because the runner was told to run some alone. */
  readonly notRun: readonly string[];
  /** How many random runs were done, and the like. */
  readonly figures: readonly string[];
}

/** What {@link conformance} found. */
export interface ConformanceReport {
  readonly name: string;
  /** Whether all that the store claims ran and passed. */
  readonly conforms: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly notClaimed: number;
  readonly notRun: number;
  readonly levels: readonly LevelReport[];
}

/** One case and what became of it. */
export interface CaseRecord {
  readonly level: Level;
  readonly title: string;
  outcome: 'not run' | 'passed' | { readonly error: unknown } | { readonly because: string };
}

/** Sums the cases up. */
export function reportOf(
  name: string,
  cases: readonly CaseRecord[],
  figures: ReadonlyMap<Level, readonly string[]>,
): ConformanceReport {
  const levels = LEVELS.map((level): LevelReport => {
    const own = cases.filter((one) => one.level === level);
    return {
      level,
      passed: own.filter(({ outcome }) => outcome === 'passed').length,
      failed: own.flatMap(({ title, outcome }) =>
        typeof outcome === 'object' && 'error' in outcome
          ? [{ case: title, message: messageOf(outcome.error), error: outcome.error }]
          : [],
      ),
      notClaimed: own.flatMap(({ title, outcome }) =>
        typeof outcome === 'object' && 'because' in outcome ? [{ case: title, because: outcome.because }] : [],
      ),
      notRun: own.flatMap(({ title, outcome }) => (outcome === 'not run' ? [title] : [])),
      figures: figures.get(level) ?? [],
    };
  });
  const sum = (count: (level: LevelReport) => number): number => levels.reduce((all, level) => all + count(level), 0);
  const failed = sum((level) => level.failed.length);
  const notRun = sum((level) => level.notRun.length);
  return {
    name,
    conforms: failed + notRun === 0,
    passed: sum((level) => level.passed),
    failed,
    notClaimed: sum((level) => level.notClaimed.length),
    notRun,
    levels,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

const MOST_NAMES = 5;

/**
 * The report in a few lines, as it is printed.
 *
 * @example
 * // MyStore against the store contract: CONFORMS in what it claims (131 passed, 0 failed, 14 not claimed)
 * //   interface and edges  81 passed
 * //   durability           8 not claimed: no `process` was given
 */
export function formatReport(report: ConformanceReport): string {
  const verdict =
    report.failed > 0
      ? 'DOES NOT CONFORM'
      : report.notRun > 0
        ? 'NOT ALL OF IT RAN'
        : report.notClaimed > 0
          ? 'CONFORMS in what it claims'
          : 'CONFORMS';
  const lines = [`${report.name} against the store contract: ${verdict} (${counts(report)})`];
  const width = Math.max(...LEVELS.map((level) => level.length));
  for (const level of report.levels) {
    lines.push(`  ${level.level.padEnd(width)}  ${describeLevel(level)}`);
    for (const one of level.failed.slice(0, MOST_NAMES))
      lines.push(`    failed: ${one.case}`, `      ${one.message.split('\n', 1)[0]}`);
    if (level.failed.length > MOST_NAMES) lines.push(`    and ${level.failed.length - MOST_NAMES} more`);
  }
  return lines.join('\n');
}

function counts({ passed, failed, notClaimed, notRun }: ConformanceReport): string {
  const some = [`${passed} passed`, `${failed} failed`, `${notClaimed} not claimed`];
  if (notRun > 0) some.push(`${notRun} not run`);
  return some.join(', ');
}

function describeLevel({ passed, failed, notClaimed, notRun, figures }: LevelReport): string {
  const some: string[] = [];
  if (passed > 0) some.push(`${passed} passed`);
  if (failed.length > 0) some.push(`${failed.length} FAILED`);
  if (notRun.length > 0) some.push(`${notRun.length} not run`);
  const reasons = [...new Set(notClaimed.map((one) => one.because))].join('; ');
  if (notClaimed.length > 0) some.push(`${notClaimed.length} not claimed: ${reasons}`);
  return [some.join(', '), ...figures].join('; ');
}
