import * as core from '@motion-ts/core';
import { type AnyComponent, type ComponentClass, type Instance, type InstanceArgs, MotionError } from '@motion-ts/core';
import { Auditor } from '../audit/auditor.js';
import type { Invariant } from '../audit/invariants.js';
import { drawCircumstances, roomy, type Trouble } from '../circumstances.js';
import { Crew, type Member } from '../crew.js';
import { describe, describeTheirs, isExpectedInBackground, isOutage, isPoisoned } from '../errors.js';
import { SimulatedServer } from '../server.js';
import { type Process, Runaway, World } from '../world.js';
import { type Inside, runInside } from './inside.js';
import { Ledger } from './ledger.js';
import { Methods } from './methods.js';
import { AnyModel } from './model.js';
import type { CheckContext, ProcessContext, SeedResult, SimulationOptions, SimulationPlan } from './options.js';

const MOST_PROBLEMS = 5;
/** A dead caller is followed by others, but the scenario must come to an end. */
const MOST_CALLERS = 8;
const LAST_MESSAGES_MS = 25_000;
const QUIET_MS = 120_000;

/** What can be changed of a seed, to find out what its failure needs. */
export interface Variation {
  readonly without: ReadonlySet<Trouble>;
  readonly plan?: Partial<SimulationPlan>;
}

/** One seed: the users' components in several processes on one simulated store, while things go wrong. */
export class SeedRun<Outside> {
  private readonly seed: number;
  private readonly options: SimulationOptions<Outside>;
  private readonly world: World;
  private readonly plan: SimulationPlan;
  private readonly server: SimulatedServer;
  private readonly auditor: Auditor<undefined>;
  private readonly crew: Crew;
  private readonly ledger: Ledger;
  private readonly methods = new Methods();
  private readonly outside: Outside;
  private readonly problems: string[] = [];
  private readonly seenReal = new Set<string>();
  private readonly counts = { callers: 0, finishedCallers: 0, failedTries: 0, poisoned: 0, checks: 0 };
  /** Callers under way. */
  private readonly busy = new Set<Process>();

  constructor(seed: number, options: SimulationOptions<Outside>, variation: Variation) {
    this.seed = seed;
    this.options = options;
    this.world = new World(seed);
    this.world.enter = (process, run) => runInside(this.inside(process), run);
    const { random } = this.world;
    const drawn = drawCircumstances(random, variation.without, options.rollback ?? false, () => roomy);
    const more = { callers: random.int(1, 3), troubleMs: random.pick([2_500, 5_000, 15_000]) };
    this.plan = { ...drawn, ...more, ...options.plan, ...variation.plan };
    this.outside = options.outside?.(random) as Outside;
    this.server = new SimulatedServer(this.world, this.plan.limits);
    const problem = (text: string, invariant?: Invariant): void =>
      this.problem(invariant ? `${text} (${invariant})` : text);
    const trace = (text: string): void => this.trace(text);
    const ttlMs = options.motion?.lease?.ttlMs ?? this.plan.ttlMs;
    this.auditor = new Auditor({
      server: this.server,
      model: new AnyModel(problem),
      // A failed update waits as long as its own retry options say.
      longestDueMs: ({ tries }) => (tries > 0 ? Infinity : Math.max(ttlMs, 1_000) * 1.2),
      problem,
      trace,
    });
    this.ledger = new Ledger(this.server, trace);
    this.crew = new Crew(this.world, this.server, {
      core,
      circumstances: this.plan,
      troubleMs: this.plan.troubleMs,
      motion: { ...(options.motion ?? {}) },
      equip: (member) => this.equip(member),
      heard: (process, what, error) => this.heard(process, what, error),
      respawn: () => {
        if (this.crew.healed || this.counts.callers >= MOST_CALLERS || random.chance(0.5))
          this.crew.spawnWorker(undefined);
        else this.spawnCaller();
      },
      mayDie: (process) => {
        const may = this.methods.mayDie(process);
        if (may) this.methods.died(process);
        return may;
      },
      problem,
      trace,
    });
  }

  async run(): Promise<SeedResult> {
    const rejected = (error: unknown): void => this.problem(`nobody handles a rejection: ${describe(error)}`);
    process.on('unhandledRejection', rejected);
    try {
      this.crew.spawnWorkers();
      for (let n = 0; n < this.plan.callers; n++) this.spawnCaller();
      this.crew.begin();
      await this.world.run(this.plan.troubleMs);
      this.crew.heal();
      if (await this.settle()) await this.check();
    } catch (error) {
      if (!(error instanceof Runaway)) throw error;
      this.problem(`${error.message}: something goes on without end`);
    } finally {
      process.off('unhandledRejection', rejected);
    }
    const { world, server, auditor, crew, methods, plan, seed, problems } = this;
    const counts = { ...crew.counts, ...this.counts, ...methods.counts, ...server.counts, ...auditor.counts };
    const calls = this.ledger.calls();
    const acknowledged = calls.filter(({ outcome }) => outcome === 'acknowledged').length;
    const all = { events: world.events, calls: calls.length, acknowledged, ...counts };
    return { seed, problems, plan, hash: world.hash, counts: all };
  }

  private problem(text: string): void {
    this.trace(`PROBLEM ${text}`);
    if (this.problems.length < MOST_PROBLEMS && !this.problems.some((known) => known.endsWith(text)))
      this.problems.push(`t=${Math.floor(this.world.now)} ${text}`);
  }

  private trace(text: string): void {
    this.options.trace?.(`${this.world.now.toFixed(1).padStart(9)} ${text}`);
  }

  private inside(process: Process): Inside {
    return {
      process,
      doing: undefined,
      onReal: (kind, doing, where) => {
        const what = doing ?? `the code of ${process.name}`;
        if (this.seenReal.has(`${what} ${kind}`)) return;
        this.seenReal.add(`${what} ${kind}`);
        this.problem(
          `${what} uses ${kind} ${where}: the simulated world does not know when that is over, and cannot repeat it. Give the component a stand-in for it here`,
        );
      },
    };
  }

  private contextOf(process: Process): ProcessContext<Outside> {
    return {
      name: process.name,
      outside: this.outside,
      random: this.world.random,
      now: () => process.now(),
      sleep: (ms) => process.sleep(ms),
      trace: (text) => this.trace(`${process.name}: ${text}`),
    };
  }

  private equip({ process, motion }: Omit<Member, 'closing'>): void {
    for (const entry of this.options.components) {
      const [component, make] = Array.isArray(entry)
        ? (entry as readonly [ComponentClass, (context: ProcessContext<Outside>) => AnyComponent])
        : [entry as ComponentClass, () => new (entry as ComponentClass)()];
      motion.register(component, () => this.methods.watched(make(this.contextOf(process)), this.inside(process)));
    }
  }

  private spawnCaller(): void {
    const { random } = this.world;
    const member = this.crew.spawn(random.chance(0.6) ? 'background' : 'off');
    const caller = this.counts.callers++;
    this.trace(`${member.process.name} starts: caller ${caller}`);
    this.busy.add(member.process);
    this.world.schedule(random.int(0, 100), () => void this.call(member, caller), member.process);
  }

  private async call({ process, motion }: Member, caller: number): Promise<void> {
    try {
      await this.options.scenario({
        ...this.contextOf(process),
        caller,
        motion,
        open: async (component, ...args) =>
          this.ledger.recorded(await this.open(process, motion, component, args), process, caller),
      });
      this.counts.finishedCallers++;
      this.trace(`caller ${caller} is done`);
    } catch (error) {
      this.trace(`caller ${caller} ends: ${describe(error)}`);
      if (!this.isExpected(error)) this.problem(`the scenario, as caller ${caller}: ${describeTheirs(error)}`);
    } finally {
      this.busy.delete(process);
    }
  }

  /** What ends a caller without anybody's mistake. */
  private isExpected(error: unknown): boolean {
    if (isOutage(error) || MotionError.is(error, 'CLOSED')) return true;
    if (MotionError.is(error, 'UPDATE_FAILED') && isPoisoned(error.cause)) return true;
    const mayBeGone = this.auditor.counts.clears + this.server.counts.rollbacks > 0;
    return mayBeGone && MotionError.is(error, 'INSTANCE_GONE');
  }

  private async open<C extends AnyComponent>(
    process: Process,
    motion: core.Motion,
    component: ComponentClass<C>,
    args: InstanceArgs<C>,
  ): Promise<Instance<C>> {
    for (;;) {
      try {
        return await motion.instance(component, ...args);
      } catch (error) {
        if (!isOutage(error) || error.code === 'closed') throw error;
      }
      await process.sleep(this.world.random.int(10, 500));
    }
  }

  /** What is reported in the background: outages and failing updates are, mistakes of the queue must not be. */
  private heard(process: Process, what: string, error: unknown): void {
    this.trace(`${process.name} says: ${what} ${error === undefined ? '' : describe(error)}`);
    if (error === undefined || isExpectedInBackground(error)) return;
    if (isPoisoned(error)) this.counts.poisoned++;
    else if (what.startsWith('update ')) this.counts.failedTries++;
    else this.problem(`${process.name} says: ${what}: ${describe(error)}`);
  }

  private get isQuiet(): boolean {
    return this.auditor.isQuiet && ![...this.busy].some(({ alive }) => alive);
  }

  /** @returns whether all came to rest */
  private async settle(): Promise<boolean> {
    const { quietMs = QUIET_MS } = this.options;
    const rest = (): Promise<boolean> => this.world.run(this.world.now + quietMs, () => this.isQuiet);
    if (await rest()) {
      await this.world.run(this.world.now + LAST_MESSAGES_MS);
      if (await rest()) return true;
    }
    const stuck = this.stuck();
    if (stuck.length > 0) for (const text of stuck) this.problem(text);
    else {
      for (const name of this.auditor.restless())
        this.problem(`${name} does not come to rest: ${JSON.stringify(this.auditor.current.get(name)?.root)}`);
      for (const call of this.ledger.open()) this.problem(`call ${call} never settles`);
      if (this.problems.length === 0)
        this.problem('a scenario does not come to its end, although no call is under way');
    }
    return false;
  }

  /** Methods that nothing in the simulated world will ever wake. */
  private stuck(): string[] {
    return [...this.methods.running]
      .filter(({ process, since }) => process.alive && this.world.now - since > 60_000)
      .map(
        ({ what, process, since }) =>
          `${what} in ${process.name} has not returned for ${Math.round((this.world.now - since) / 1_000)} s of simulated time: it waits for something outside of the simulated world, such as the network or a file, or for ever. Give the component a stand-in, and 'sleep' to wait`,
      );
  }

  private async check(): Promise<void> {
    this.auditor.assertQuiet();
    const { check } = this.options;
    // Updates that were buried for the deaths of others: nobody's invariants count with that.
    if (!check || this.problems.length > 0 || this.counts.poisoned > 0) return;
    this.counts.checks++;
    const { process, motion } = this.crew.spawn('background');
    const calls = this.ledger.calls();
    const context: CheckContext<Outside> = {
      ...this.contextOf(process),
      seed: this.seed,
      motion,
      calls,
      acknowledged: calls.filter(({ outcome }) => outcome === 'acknowledged'),
      open: (component, ...args) => this.open(process, motion, component, args),
      state: async (component, id) => {
        try {
          return (await motion.inspect(component, id)).state;
        } catch (error) {
          if (MotionError.is(error, 'INSTANCE_GONE')) return undefined;
          throw error;
        }
      },
    };
    let done = false;
    const ask = async (): Promise<void> => {
      try {
        await check(context);
      } catch (error) {
        this.problem(`the check: ${describeTheirs(error)}`);
      }
      done = true;
    };
    this.world.schedule(0, () => void ask(), process);
    const { quietMs = QUIET_MS } = this.options;
    if (!(await this.world.run(this.world.now + quietMs, () => done)))
      this.problem('the check does not come to its end');
  }
}
