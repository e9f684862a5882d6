import { pause, until } from './crew.js';
import { type Fault, Load, type LoadOptions } from './load.js';
import type { FaultReport } from './options.js';
import { spread } from './report.js';

/** A server under attack, such as the `process` of one of `@motion-ts/test-harness/servers`. */
export interface Restartable {
  /** Ends it as a crash does. */
  kill(): Promise<void>;
  /** Starts it again with the data it had; resolves once it takes requests. */
  restart(): Promise<void>;
}

/** Options of {@link restarts}. */
export interface RestartsOptions extends LoadOptions {
  readonly server: Restartable;
  /** Times that the server is killed and started again. Default: 10. */
  readonly restarts?: number;
}

/** Milliseconds between a start and the next kill, and that the server stays away. */
const UP_MS = [100, 700] as const;
const DOWN_MS = [0, 400] as const;
/** Milliseconds within which a call is acknowledged after a start. */
const GOES_ON_MS = 15_000;

/** SIGKILL to the server itself, again and again; it comes back with its data, and work goes on each time. */
export class Restarts implements Fault {
  private readonly server: Restartable;
  private readonly goal: number;
  private readonly upMs: readonly [number, number];
  private readonly goingOn: number[] = [];

  constructor(server: Restartable, goal: number, upMs: readonly [number, number] = UP_MS) {
    this.server = server;
    this.goal = goal;
    this.upMs = upMs;
  }

  async run(load: Load): Promise<void> {
    const { random, ledger } = load;
    while (load.goesOn(this.goingOn.length, this.goal)) {
      await pause(random.int(...this.upMs));
      await this.server.kill();
      await pause(random.int(...DOWN_MS));
      await this.server.restart();
      const before = ledger.acknowledged;
      const since = performance.now();
      if (await until(GOES_ON_MS, () => ledger.acknowledged > before || load.failed, 5))
        this.goingOn.push(performance.now() - since);
      else load.problems.push(`no call was acknowledged within ${GOES_ON_MS} ms after the server came back`);
    }
    load.shouldHave(this.goingOn.length, this.goal, 'restarts were done');
  }

  figures(): Record<string, number> {
    return { restarts: this.goingOn.length, ...spread('back at work', this.goingOn) };
  }
}

/** The server is killed and started again under load: what was acknowledged is there, once, and work goes on by itself. */
export function restarts(options: RestartsOptions): Promise<FaultReport> {
  const { server, restarts: goal = 10 } = options;
  const ttlMs = options.ttlMs ?? 1_000;
  return new Load({ quietMs: ttlMs + 10_000, ...options, ttlMs }).run('restarts', [new Restarts(server, goal)]);
}
