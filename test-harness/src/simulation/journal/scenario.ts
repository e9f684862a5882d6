import { StoreError } from '@motion-ts/core';
import { Auditor } from '../audit/auditor.js';
import { orphanIn } from '../audit/groups.js';
import type { Invariant } from '../audit/invariants.js';
import { type Core, Crew } from '../crew.js';
import { describe, isExpectedInBackground, isPoisoned } from '../errors.js';
import { SimulatedServer } from '../server.js';
import { type Process, Runaway, World } from '../world.js';
import { Accounting } from './accounting.js';
import { Caller } from './caller.js';
import { type JournalAuditor, JournalModel } from './effects.js';
import { type JournalHost, journalOf } from './journal.js';
import { drawPlan, type Plan, type Trouble } from './plan.js';
import type { Stage } from './stage.js';

/** What a run is given beside its seed. */
export interface ScenarioOptions {
  /** The library: the real one by default. */
  readonly core: Core;
  /** Kinds of trouble to leave out. */
  readonly without?: ReadonlySet<Trouble>;
  /** Let a replica take over now and then, which lost the last commits. */
  readonly rollback?: boolean;
  /** Replaces what was drawn. */
  readonly plan?: Partial<Plan>;
  readonly trace?: (line: string) => void;
}

/** What came of a run. */
export interface ScenarioResult {
  readonly seed: number;
  readonly problems: readonly string[];
  /** Those that the problems break. */
  readonly invariants: readonly Invariant[];
  readonly hash: number;
  readonly plan: Plan;
  readonly counts: Readonly<Record<string, number>>;
}

/** Virtual milliseconds of trouble. */
const TROUBLE_MS = 15_000;
/** After it, all must be quiet within so long. */
const QUIET_MS = 120_000;
const MOST_PROBLEMS = 8;
const HOUR = 3_600_000;

/** One run: some processes use the library on one simulated store, while things go wrong. */
export class Scenario implements Stage {
  readonly world: World;
  readonly plan: Plan;
  readonly auditor: JournalAuditor;
  readonly accounting: Accounting;
  readonly component: Stage['component'];
  over = false;
  private readonly options: ScenarioOptions;
  private readonly seed: number;
  private readonly server: SimulatedServer;
  private readonly model: JournalModel;
  private readonly crew: Crew;
  private readonly callers: Caller[] = [];
  private readonly problems: string[] = [];
  private readonly invariants = new Set<Invariant>();

  constructor(seed: number, options: ScenarioOptions) {
    this.seed = seed;
    this.options = options;
    this.world = new World(seed);
    this.world.maxEvents = 400_000;
    const drawn = drawPlan(this.world.random, options.without ?? new Set(), options.rollback ?? false);
    this.plan = { ...drawn, ...options.plan };
    this.server = new SimulatedServer(this.world, this.plan.limits);
    const problem = (text: string, invariant?: Invariant): void => this.problem(text, invariant);
    const trace = (text: string): void => this.trace(text);
    this.model = new JournalModel(this.server, problem);
    const longestDueMs = (): number => Math.max(this.plan.ttlMs, 1_000) * 1.2;
    this.auditor = new Auditor({ server: this.server, model: this.model, longestDueMs, problem, trace });
    this.accounting = new Accounting(this.server, this.auditor, problem);
    this.component = journalOf(options.core) as Stage['component'];
    this.crew = new Crew(this.world, this.server, {
      core: options.core,
      circumstances: this.plan,
      troubleMs: TROUBLE_MS,
      motion: { retry: { attempts: 3, backoffMs: 50, maxBackoffMs: 1_000 } },
      equip: ({ process, motion }) => {
        const { component } = this;
        const make = component as unknown as new (host: JournalHost) => never;
        const host = this.hostOf(process);
        motion.register(component as never, () => new make(host));
      },
      heard: (process, what, error) => this.heard(process, what, error),
      respawn: () => {
        if (this.over || this.world.random.chance(0.6)) this.crew.spawnWorker(undefined);
        else this.spawnCaller();
      },
      mayDie: () => true,
      problem,
      trace,
    });
  }

  problem(text: string, invariant?: Invariant): void {
    if (invariant) this.invariants.add(invariant);
    const told = invariant ? `${text} (${invariant})` : text;
    this.trace(`PROBLEM ${told}`);
    if (this.problems.length < MOST_PROBLEMS) this.problems.push(`t=${Math.floor(this.world.now)} ${told}`);
  }

  trace(text: string): void {
    this.options.trace?.(`${this.world.now.toFixed(1).padStart(9)} ${text}`);
  }

  async run(): Promise<ScenarioResult> {
    const rejected = (error: unknown): void => this.problem(`nobody handles a rejection: ${describe(error)}`);
    process.on('unhandledRejection', rejected);
    try {
      this.crew.spawnWorkers();
      for (let n = 0; n < this.plan.callers; n++) this.spawnCaller();
      this.crew.begin();
      await this.world.run(TROUBLE_MS);
      this.over = true;
      this.crew.heal();
      await this.settle();
      if (this.problems.length === 0) await this.finish();
    } catch (error) {
      if (!(error instanceof Runaway)) throw error;
      this.problem(error.message);
    } finally {
      process.off('unhandledRejection', rejected);
    }
    return this.result();
  }

  private hostOf(process: Process): JournalHost {
    return {
      process,
      seen: (id, state) => this.accounting.assertWhole(state, `a serve of ${id} in ${process.name}`),
      ran: (updateId, act) => this.model.acts.set(updateId, act),
      die: (victim) => {
        this.trace(`${victim.name} dies of an update`);
        this.crew.kill(victim);
      },
    };
  }

  private spawnCaller(): void {
    const { random } = this.world;
    const { process, motion } = this.crew.spawn(random.chance(0.6) ? 'background' : 'off');
    this.trace(`${process.name} starts: callers`);
    for (const [n, id] of this.plan.instances.entries()) {
      if (n > 0 && random.chance(0.5)) continue;
      const caller = new Caller(this, process, motion, id, n);
      this.callers.push(caller);
      this.world.schedule(random.int(0, 100), () => void caller.work(random.int(5, 40)), process);
    }
  }

  /** What is reported in the background: outages are, mistakes must not be. */
  private heard(process: Process, what: string, error: unknown): void {
    this.trace(`${process.name} says: ${what} ${error === undefined ? '' : describe(error).slice(0, 200)}`);
    if (error === undefined || isExpectedInBackground(error) || isPoisoned(error)) return;
    if (error instanceof Error && error.name === 'PlannedFailure') return;
    // Entries that a rollback brought back in the midst of a clearing: the next one finds them.
    if (this.plan.rollbacks > 0 && StoreError.is(error, 'invalid') && /^drop/.test(error.message)) return;
    this.problem(`${process.name} says: ${what}: ${describe(error)}`);
  }

  private isQuiet(): boolean {
    return this.auditor.isQuiet && this.callers.every((caller) => caller.idle);
  }

  private async settle(): Promise<void> {
    if (await this.world.run(this.world.now + QUIET_MS, () => this.isQuiet())) {
      // Late messages have their last chance.
      await this.world.run(this.world.now + 25_000);
      if (this.isQuiet() || (await this.world.run(this.world.now + QUIET_MS, () => this.isQuiet()))) return;
    }
    for (const name of this.auditor.restless()) {
      const root = JSON.stringify(this.auditor.current.get(name)?.root);
      const { seq, due } = this.server.partitions.get(name) ?? {};
      this.problem(`${name} does not come to rest: seq ${seq}, due ${due}, root ${root}`);
    }
    const stuck = this.accounting.notes.filter(({ outcome, process }) => outcome === 'pending' && process.alive);
    for (const note of stuck.slice(0, 3)) this.problem(`call ${note.label} (${note.flow}) never settles`);
    if (stuck.length === 0 && !this.callers.every((caller) => caller.idle)) this.problem('a caller never finishes');
  }

  /** The last questions, by a process that comes new to it. */
  private async finish(): Promise<void> {
    this.auditor.assertQuiet();
    this.accounting.assertComplete();
    if (this.plan.sweep) for (const { process } of this.crew.members) process.clock.offset += 8 * HOUR;
    let done = false;
    void this.askAll().then(
      () => {
        done = true;
      },
      (error) => this.problem(`at the end: ${describe(error)}`),
    );
    if (!(await this.world.run(this.world.now + QUIET_MS, () => done && this.isQuiet()))) {
      this.problem('the last questions are not answered');
      return;
    }
    this.auditor.assertQuiet();
    // Many hours later - the clocks differ by some - and after a drain.
    if (this.plan.sweep && this.plan.rollbacks === 0)
      for (const [name, partition] of this.server.partitions) {
        const orphan = this.auditor.current.has(name) ? orphanIn(partition) : undefined;
        if (orphan) this.problem(`${name}: ${orphan} is left behind, nothing points to it`);
      }
  }

  private async askAll(): Promise<void> {
    const { motion } = this.crew.spawn('off');
    for (const id of this.plan.instances) {
      const handle = await motion.instance(this.component, id, { init: { birth: `last ${id}` } } as never);
      await handle.run('tell' as never, { label: `last ${id}` } as never, { flushUpdates: true } as never);
      const life = this.auditor.current.get(`Journal/${id}`);
      const letters = (await handle.deadLetters()).map((letter) => letter.id).sort();
      const expected = [...(life?.outcomes ?? [])]
        .filter(([update, kind]) => kind === 'dead' && !life?.redriven.has(update) && !life?.dropped.has(update))
        .map(([update]) => update)
        .sort();
      if (String(letters) !== String(expected)) this.problem(`${id}: dead letters are ${letters}, not ${expected}`);
      const seen = await motion.inspect(this.component, id);
      if (seen.queued !== 0) this.problem(`${id}: inspect sees ${seen.queued} queued updates`);
    }
    await motion.close();
  }

  private result(): ScenarioResult {
    const { world, server, auditor, crew, accounting } = this;
    const calls = accounting.notes.length;
    const acknowledged = accounting.notes.filter(({ outcome }) => outcome === 'done').length;
    return {
      seed: this.seed,
      problems: this.problems,
      invariants: [...this.invariants].sort(),
      hash: world.hash,
      plan: this.plan,
      counts: { events: world.events, ...crew.counts, calls, acknowledged, ...server.counts, ...auditor.counts },
    };
  }
}
