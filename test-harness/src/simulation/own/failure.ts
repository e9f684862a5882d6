import { describeDrawn, type Trouble, troubles } from '../circumstances.js';
import type { SeedResult, SimulationPlan } from './options.js';
import type { Variation } from './seed-run.js';

/** A seed failed. The message says all that is needed to play it again. */
export class SimulationFailed extends Error {
  override readonly name = 'SimulationFailed';
  readonly seed: number;
  readonly problems: readonly string[];
  /** What was drawn for the seed. */
  readonly plan: SeedResult['plan'];
  /** The kinds of trouble that the failure takes, as far as leaving out one after the other tells. */
  readonly takes: readonly string[];

  /**
   * @param shrunk what could be left out without the failure going away
   * @param why what is wrong with the run as such
   */
  constructor(result: SeedResult, shrunk: Variation | undefined, why: string | undefined) {
    const { seed, plan } = result;
    const problems = why === undefined ? result.problems : [why, ...result.problems];
    const takes = troubles.filter((trouble) => shrunk && !shrunk.without.has(trouble) && happens(plan, trouble));
    super(messageOf(result, problems, takes, shrunk));
    this.seed = seed;
    this.problems = problems;
    this.plan = plan;
    this.takes = takes;
  }
}

/** Whether a kind of trouble was drawn for the seed at all. */
export function happens(plan: SimulationPlan, trouble: Trouble): boolean {
  const { faults, incidents, incidentKinds } = plan;
  const among = (kind: (typeof incidentKinds)[number]): boolean => incidents > 0 && incidentKinds.includes(kind);
  switch (trouble) {
    case 'loss':
      return faults.loseRequest + faults.loseReply > 0;
    case 'duplicates':
      return faults.duplicate > 0;
    case 'slow':
      return faults.slow > 0;
    case 'refusals':
      return faults.unavailable > 0;
    case 'full':
      return faults.full > 0;
    case 'torn':
      return faults.tornList > 0;
    case 'kills':
      return among('kill');
    case 'pauses':
      return among('pause');
    case 'closes':
      return among('close');
    case 'skew':
      return plan.skew || among('jump');
    case 'rollback':
      return plan.rollbacks > 0;
    default:
      return false;
  }
}

function messageOf(
  { seed, plan }: SeedResult,
  problems: readonly string[],
  takes: readonly string[],
  shrunk: Variation | undefined,
): string {
  const lines = [
    `seed ${seed} fails:`,
    ...problems.map((problem) => `  ${problem.replaceAll('\n', '\n    ')}`),
    `drawn: ${describeDrawn(plan)}`,
  ];
  if (shrunk) lines.push(`it takes: ${takes.length > 0 ? takes.join(', ') : 'no trouble at all'}`);
  lines.push(`play it again: simulate({ ..., seeds: [${seed}, 1], trace: console.log })`);
  const needless = troubles.filter((trouble) => shrunk?.without.has(trouble) && happens(plan, trouble));
  const smaller = Object.entries(shrunk?.plan ?? {}).map(([name, value]) => `${name}: ${value}`);
  const options = [
    ...(needless.length > 0 ? [`without: [${needless.map((trouble) => `'${trouble}'`).join(', ')}]`] : []),
    ...(smaller.length > 0 ? [`plan: { ${smaller.join(', ')} }`] : []),
  ];
  if (options.length > 0) lines.push(`and with less of all: add ${options.join(', ')}`);
  return lines.join('\n');
}
