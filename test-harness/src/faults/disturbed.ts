import { pause } from './crew.js';
import { type Fault, Load, type LoadOptions } from './load.js';
import type { FaultReport } from './options.js';

/** Options of {@link disturbed}. */
export interface DisturbedOptions extends LoadOptions {
  /** What is done, for the line of figures: `slots moved`. */
  readonly what: string;
  /** Does it once. What it throws is a problem. */
  readonly disturb: () => Promise<void>;
  /** How often. Default: 10. */
  readonly times?: number;
  /** Milliseconds between two times. Default: 50. */
  readonly everyMs?: number;
}

class Disturbed implements Fault {
  private readonly options: DisturbedOptions;
  private done = 0;

  constructor(options: DisturbedOptions) {
    this.options = options;
  }

  async run(load: Load): Promise<void> {
    const { what, disturb, times = 10, everyMs = 50 } = this.options;
    while (load.goesOn(this.done, times)) {
      await pause(everyMs);
      try {
        await disturb();
        this.done++;
      } catch (error) {
        load.problems.push(`${what}: ${(error as Error).message}`);
      }
    }
    load.shouldHave(this.done, times, what);
  }

  figures(): Record<string, number> {
    return { [this.options.what]: this.done };
  }
}

/** Something of the caller's own is done to the store under load, such as moving its data from one server to another. */
export function disturbed(options: DisturbedOptions): Promise<FaultReport> {
  const ttlMs = options.ttlMs ?? 1_000;
  return new Load({ quietMs: ttlMs + 10_000, ...options, ttlMs }).run(options.what, [new Disturbed(options)]);
}
