import { Random } from '../simulation/random.js';
import type { WrongClock } from './clock.js';
import { Crew, Gone, type Inside, type Member, pause, quiet, until } from './crew.js';
import { forks } from './forks.js';
import { Ledger } from './ledger.js';
import type { FaultOptions, FaultReport, StoreModule } from './options.js';
import type { RootCommit, Step, Vitals } from './protocol.js';
import { report, seedOf } from './report.js';

/** Options of all attacks on processes that call and run updates. */
export interface LoadOptions extends FaultOptions {
  /** Processes that only run updates. Default: 3. */
  readonly workers?: number;
  /** Processes that call; every second one runs updates too. Default: 3. */
  readonly callers?: number;
  /** Default: 4. */
  readonly instances?: number;
  /** Acknowledged calls, at least. Default: 1,000. */
  readonly updates?: number;
  /** Of leases, in milliseconds. Default: 400. */
  readonly ttlMs?: number;
  /** Milliseconds within which all must be quiet after the attack. Default: ttl + 5,000. */
  readonly quietMs?: number;
  /** Milliseconds that the whole may take. Default: 120,000. */
  readonly timeoutMs?: number;
  /** How the one process reaches the store that looks on and is not attacked. Default: as the others do. */
  readonly direct?: StoreModule;
}

/** Something that goes wrong while there is work. */
export interface Fault {
  /** Attacks until it has done what it is there for, the load fails, or it is told to stop. */
  run(load: Load): Promise<void>;
  /** What it did, by name. */
  figures(load: Load): Readonly<Record<string, number>>;
}

/** How the processes of a load differ from what the options say. */
export interface Makeup {
  /** Whether every caller runs updates too. */
  readonly allRun?: boolean;
  /** The clock of each process as it starts, by its place. */
  readonly clock?: (place: number, random: Random) => WrongClock;
  /** Milliseconds that some of the updates take, at most. Default: 0. */
  readonly mostHoldMs?: number;
  /** Milliseconds between two bursts of calls of one caller, at most. Default: 60. */
  readonly mostBetweenCallsMs?: number;
}

/** A place among the processes; when its process is killed, another takes it. */
export interface Slot {
  readonly place: number;
  readonly updates: 'background' | 'off';
  member: Member;
  generation: number;
}

/** How often opening an instance is tried. */
const OPENING_ATTEMPTS = 4;
/** How many of the updates take time, where some do. */
const HELD = 0.3;

/**
 * Processes that call and run updates on a few instances, while faults have their way with them. Then all is let go, and
 * accounted for: no acknowledged call is lost, none took effect twice, those of a caller took effect in order.
 */
export class Load {
  readonly random: Random;
  readonly ttlMs: number;
  readonly ledger: Ledger = new Ledger();
  readonly slots: Slot[] = [];
  readonly instances: readonly string[];
  readonly problems: string[] = [];
  readonly insides: { readonly member: Member; readonly inside: Inside }[] = [];
  readonly roots: { readonly member: Member; readonly commit: RootCommit }[] = [];
  /** Set by a fault: the others, too, have done enough. */
  stopped = false;
  private readonly options: LoadOptions;
  private readonly makeup: Makeup;
  private readonly seed: number;
  private readonly crew: Crew;
  private readonly counts: Record<string, number> = {};
  private directing: Member | undefined;
  private deadline = Infinity;
  private over = false;

  constructor(options: LoadOptions, makeup: Makeup = {}) {
    this.options = options;
    this.makeup = makeup;
    this.seed = seedOf(options);
    this.random = new Random(this.seed);
    this.ttlMs = options.ttlMs ?? 400;
    this.instances = Array.from({ length: options.instances ?? 4 }, (_, n) => `i${n}`);
    this.crew = new Crew(
      { ...options, ttlMs: this.ttlMs },
      {
        acknowledged: (_, line, n) => this.ledger.acknowledge(line, n),
        inside: (member, inside) => this.insides.push({ member, inside }),
        root: (member, commit) => this.roots.push({ member, commit }),
        error: () => this.count('errors in the background'),
        counted: (what) => this.count(what),
        wrong: (what) => this.problems.push(what),
      },
    );
  }

  /** Puts the processes to work, lets the faults loose, and looks at what is left. */
  async run(name: string, faults: readonly Fault[]): Promise<FaultReport> {
    const { workers = 3, callers = 3, updates = 1_000, timeoutMs = 120_000 } = this.options;
    const { quietMs = this.ttlMs + 5_000 } = this.options;
    const started = performance.now();
    this.deadline = started + timeoutMs;
    try {
      for (let n = 0; n < workers; n++) this.fill('background');
      const calling = Array.from({ length: callers }, (_, n) =>
        this.fill(n % 2 === 0 && !this.makeup.allRun ? 'off' : 'background'),
      );
      this.directing = this.crew.start({ updates: 'off', store: this.options.direct });
      await Promise.all(this.slots.map(({ member }) => member.ready));
      for (const instance of this.instances) await this.open(instance);
      const calls = Promise.all(calling.map((slot, n) => this.callAll(slot, `c${n}`)));
      await Promise.all(faults.map((fault) => fault.run(this)));
      await until(this.left(), () => this.failed || this.ledger.acknowledged >= updates);
      this.over = true;
      if (!(await Promise.race([calls.then(() => true), pause(quietMs)])))
        this.problems.push(`calls are still under way ${quietMs} ms after the attack`);
      const { seen, problems } = await quiet(this.director, this.instances, quietMs);
      this.judgeFences();
      const audit = this.ledger.auditAll(seen);
      this.problems.push(...problems, ...audit.problems);
      if (!this.failed && this.ledger.acknowledged < updates)
        this.problems.push(`only ${this.ledger.acknowledged} calls were acknowledged in ${timeoutMs} ms`);
      const { lost, doubled, reordered } = audit;
      const takes = this.roots.filter(({ commit }) => commit.ok && commit.kind === 'take');
      return report(name, this.options, this.seed, this.problems, {
        acknowledged: this.ledger.acknowledged,
        ...Object.assign({}, ...faults.map((fault) => fault.figures(this))),
        takes: takes.length,
        takeovers: takes.filter(({ commit }) => commit.over).length,
        ...this.counts,
        lost,
        doubled,
        reordered,
        seconds: (performance.now() - started) / 1_000,
      });
    } finally {
      await this.crew.end();
    }
  }

  /** It is never attacked: what it sees and does is certain. */
  get director(): Member {
    return this.directing as Member;
  }

  /** Then more of the same says nothing new. */
  get failed(): boolean {
    return this.problems.length > 0;
  }

  /** Whether a fault has reason to go on, having done `done` of `goal`. */
  goesOn(done: number, goal: number): boolean {
    return done < goal && this.left() > 0 && !this.failed && !this.stopped;
  }

  /** A fault ends without having done what it should. */
  shouldHave(done: number, goal: number, what: string): void {
    if (!this.failed && !this.stopped && done < goal) this.problems.push(`only ${done} of ${goal} ${what} in time`);
  }

  /** Milliseconds that are left for the whole. */
  left(): number {
    return Math.max(0, this.deadline - performance.now());
  }

  /** Kills a process, and puts another in its place. */
  async replace(slot: Slot): Promise<void> {
    await slot.member.kill();
    slot.member = this.startIn(slot);
  }

  /** The process that runs the updates of some instance, as far as is known. */
  aHolder(): Slot | undefined {
    const instance = this.random.pick(this.instances);
    const last = this.roots.findLast(({ commit }) => commit.ok && commit.instance === instance);
    return last?.commit.kind === 'release' ? undefined : this.slots.find(({ member }) => member === last?.member);
  }

  /** Of the processes that are there. */
  vitals(): Promise<Vitals[]> {
    return Promise.all(this.slots.map(({ member }) => member.ask<Vitals>({ do: 'vitals' })));
  }

  /** One more worker beside the processes of the load. */
  addWorker(clock?: WrongClock, nodeArgs?: readonly string[]): Member {
    return this.crew.start({ updates: 'background', clock, nodeArgs });
  }

  private startIn({ place, updates }: Pick<Slot, 'place' | 'updates'>): Member {
    return this.crew.start({
      updates,
      clock: this.makeup.clock?.(place, this.random),
    });
  }

  private fill(updates: 'background' | 'off'): Slot {
    const at = { place: this.slots.length, updates };
    const slot = { ...at, member: this.startIn(at), generation: 0 };
    this.slots.push(slot);
    return slot;
  }

  private judgeFences(): void {
    for (const instance of this.instances) {
      const commits = this.roots.map(({ commit }) => commit).filter((commit) => commit.instance === instance);
      for (const { epoch, kind } of forks(commits))
        this.problems.push(`${instance}: two holders replaced one root; one did of epoch ${epoch}: ${kind}`);
    }
  }

  /** A server that was just started may need a moment. */
  private async open(instance: string): Promise<void> {
    for (let attempt = 1; ; attempt++)
      try {
        return await this.director.ask({ do: 'open', instance, size: 0 });
      } catch (error) {
        if (attempt === OPENING_ATTEMPTS) throw error;
      }
  }

  private held(step: Step): Step {
    const { mostHoldMs = 0 } = this.makeup;
    return mostHoldMs > 0 ? { ...step, hold: this.random.int(1, mostHoldMs) } : step;
  }

  private count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  /** One caller after the other in one place: each has a numbering of its own. */
  private async callAll(slot: Slot, name: string): Promise<void> {
    const { random } = this;
    while (!this.over && this.left() > 0 && !this.failed) {
      const { member } = slot;
      const generation = slot.generation++;
      const line = (instance: string): string => `${name}.${generation}.${instance}`;
      try {
        for (let failed = false; !this.over && !failed; ) {
          const instance = random.pick(this.instances);
          const steps = this.ledger
            .nextOf(random.int(1, 8), instance, line(instance))
            .map((step) => (random.chance(HELD) ? this.held(step) : step));
          const flush = random.chance(0.3);
          const failures = Object.entries(await member.call(instance, steps, { flush }));
          // A call that failed leaves a gap, and its caller's numbering ends with it.
          failed = failures.length > 0;
          for (const [n, error] of failures) {
            this.ledger.excuse({ line: line(instance), n: Number(n) });
            this.count('calls failed');
            if (!/^StoreError/.test(error)) this.problems.push(`${line(instance)}#${n} failed: ${error}`);
          }
          await pause(random.int(0, this.makeup.mostBetweenCallsMs ?? 60));
        }
      } catch (error) {
        if (!(error instanceof Gone)) this.problems.push(`a caller failed: ${(error as Error).message}`);
        await until(this.left(), () => this.over || slot.member !== member);
      }
    }
  }
}
