import { pause } from './crew.js';
import { type Fault, Load, type LoadOptions } from './load.js';
import type { FaultReport } from './options.js';

/** Options of {@link contention}. */
export interface ContentionOptions extends LoadOptions {
  /** Processes; all of them call and run updates. Default: 4. */
  readonly processes?: number;
  /** Commits of all processes together. Default: 2,000. */
  readonly commits?: number;
  /** Milliseconds that the event loop of a process may stand still. Default: any. */
  readonly mostStallMs?: number;
}

/** Milliseconds between two looks. */
const LOOK_MS = 250;

/** Waits for commits, and hears how long each process stood still. */
class Commits implements Fault {
  private readonly goal: number;
  private done = 0;
  private readonly mostStallMs: number;
  private stallMs = 0;
  private seconds = 0;

  constructor(goal: number, mostStallMs: number) {
    this.goal = goal;
    this.mostStallMs = mostStallMs;
  }

  async run(load: Load): Promise<void> {
    const started = performance.now();
    await load.vitals();
    while (load.goesOn(this.done, this.goal)) {
      await pause(LOOK_MS);
      const vitals = await load.vitals();
      this.done = vitals.reduce((sum, { commits }) => sum + commits, 0);
      this.stallMs = Math.max(this.stallMs, ...vitals.map(({ stallMs }) => stallMs));
      if (this.stallMs > this.mostStallMs)
        load.problems.push(`an event loop stood still for ${Math.round(this.stallMs)} ms`);
    }
    this.seconds = (performance.now() - started) / 1_000;
    load.shouldHave(this.done, this.goal, 'commits were made');
  }

  figures(): Record<string, number> {
    return {
      commits: this.done,
      'commits a second': Math.round(this.done / this.seconds),
      'longest stall of an event loop ms': this.stallMs,
    };
  }
}

/** Several processes call and run updates of the same instances as fast as they can, in each other's way. */
export function contention(options: ContentionOptions): Promise<FaultReport> {
  const { processes = 4, commits = 2_000, mostStallMs = Infinity } = options;
  const load = new Load(
    { ttlMs: 2_000, updates: 100, instances: 12, ...options, workers: 0, callers: processes },
    { allRun: true, mostBetweenCallsMs: 5 },
  );
  return load.run('contention', [new Commits(commits, mostStallMs)]);
}
