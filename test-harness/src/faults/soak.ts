import { AimedStops } from './aimed-stops.js';
import { HOUR_MS, wrongClock } from './clocks.js';
import { pause } from './crew.js';
import { Disturbances } from './disconnections.js';
import { Kills } from './kills.js';
import { type Fault, Load, type LoadOptions } from './load.js';
import type { FaultReport } from './options.js';
import type { TcpProxy } from './proxy.js';
import { type Restartable, Restarts } from './restarts.js';

/** Options of {@link soak}. */
export interface SoakOptions extends LoadOptions {
  /** Milliseconds that it lasts. Default: 60,000. */
  readonly durationMs?: number;
  /** The share by which the heap of a process that is never killed may grow, from a third of the time to its end. Default: 0.1. */
  readonly growth?: number;
  /** For a store on a server: between the processes and it. */
  readonly proxy?: TcpProxy | undefined;
  /** For a store on a server of the test's own. */
  readonly server?: Restartable | undefined;
  /** Whether the store measures time by a clock of its own: then those of the processes are wrong. Default: false. */
  readonly serverClock?: boolean;
  /** The `timeoutMs` of the store, as its argument says. Default: 1,000. */
  readonly storeTimeoutMs?: number;
}

/** Times that the heap is measured, and that it must be to say anything. */
const SAMPLES = 60;
const FEWEST_SAMPLES = 12;

/** Ends all other faults after a time, and watches the heap of a worker of its own. */
class Lasting implements Fault {
  private readonly ms: number;
  private readonly growth: number;
  private readonly heaps: number[] = [];

  constructor(ms: number, growth: number) {
    this.ms = ms;
    this.growth = growth;
  }

  async run(load: Load): Promise<void> {
    const veteran = load.addWorker(undefined, ['--expose-gc']);
    const until = performance.now() + this.ms;
    while (performance.now() < until && load.goesOn(0, 1)) {
      await pause(this.ms / SAMPLES);
      this.heaps.push((await veteran.ask<{ heapUsed: number }>({ do: 'vitals' })).heapUsed);
    }
    load.stopped = true;
    if (this.heaps.length < FEWEST_SAMPLES && !load.failed)
      load.problems.push(`the heap was measured only ${this.heaps.length} times`);
  }

  figures(load: Load): Record<string, number> {
    // The first third warms up; single samples are noise.
    const third = Math.ceil(this.heaps.length / 3);
    const [early, late] = [median(this.heaps.slice(third, 2 * third)), median(this.heaps.slice(2 * third))];
    if (late > early * (1 + this.growth))
      load.problems.push(`a worker's heap grew from ${early} to ${late} bytes over the last third`);
    return { 'heap early KB': Math.round(early / 1_024), 'heap late KB': Math.round(late / 1_024) };
  }
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
}

/** All at once, for long: kills, aimed stops, wrong clocks, disturbed connections, restarts of the server. */
export function soak(options: SoakOptions): Promise<FaultReport> {
  const { durationMs = 60_000, growth = 0.1, proxy, server, storeTimeoutMs = 1_000 } = options;
  const ttlMs = options.ttlMs ?? 1_000;
  const faults: Fault[] = [
    new Lasting(durationMs, growth),
    new Kills(Infinity, [500, 3_000]),
    new AimedStops(Infinity, 1),
    ...(proxy ? [new Disturbances(proxy, Infinity, storeTimeoutMs + 500)] : []),
    ...(server ? [new Restarts(server, Infinity, [5_000, 15_000])] : []),
  ];
  const load = new Load(
    { quietMs: ttlMs + 15_000, timeoutMs: durationMs + 120_000, ...options, ttlMs },
    options.serverClock ? { clock: wrongClock(HOUR_MS, HOUR_MS / 6) } : {},
  );
  return load.run('soak', faults);
}
