import type { Motion } from '@motion-ts/core';
import { MotionError, StoreError } from '@motion-ts/core';
import { Accounting, describe } from './accounting.js';
import { Auditor } from './auditor.js';
import { Caller, type Stage } from './caller.js';
import { calm } from './faults.js';
import { type Core, type JournalHost, journalOf } from './journal.js';
import { drawPlan, type Plan, type Trouble } from './plan.js';
import { SimulatedServer } from './server.js';
import { SimulatedCache, SimulatedStore } from './simulated-store.js';
import { Process, Runaway, World } from './world.js';

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
  readonly hash: number;
  readonly plan: Plan;
  readonly counts: Readonly<Record<string, number>>;
}

/** Virtual milliseconds of trouble. */
const TROUBLE_MS = 15_000;
/** After it, all must be quiet within so long. */
const QUIET_MS = 120_000;
/** A graceful close takes no longer, once the store works. */
const CLOSE_MS = 60_000;
const MOST_PROBLEMS = 8;
const HOUR = 3_600_000;

/** A process, with what runs in it. */
interface Running {
  readonly process: Process;
  readonly store: SimulatedStore;
  readonly motion: Motion;
  closing: boolean;
}

/** One run: some processes use the library on one simulated store, while things go wrong. */
export class Scenario implements Stage {
  readonly world: World;
  readonly plan: Plan;
  readonly server: SimulatedServer;
  readonly auditor: Auditor;
  readonly accounting: Accounting;
  readonly component: Stage['component'];
  over = false;
  private readonly options: ScenarioOptions;
  private readonly seed: number;
  private readonly problems: string[] = [];
  private readonly cache = new SimulatedCache();
  private readonly running: Running[] = [];
  private readonly callers: Caller[] = [];
  private readonly counts = { kills: 0, pauses: 0, closes: 0, processes: 0, calls: 0 };
  private healed = false;

  constructor(seed: number, options: ScenarioOptions) {
    this.seed = seed;
    this.options = options;
    this.world = new World(seed);
    this.world.maxEvents = 400_000;
    const drawn = drawPlan(this.world.random, options.without ?? new Set(), options.rollback ?? false);
    this.plan = { ...drawn, ...options.plan };
    this.server = new SimulatedServer(this.world, this.plan.limits);
    const longestDueMs = Math.max(this.plan.ttlMs, 1_000) * 1.2;
    this.auditor = new Auditor(
      this.server,
      { longestDueMs },
      (text) => this.problem(text),
      (text) => this.trace(text),
    );
    this.accounting = new Accounting(this.server, this.auditor, (text) => this.problem(text));
    this.component = journalOf(options.core) as Stage['component'];
  }

  problem(text: string): void {
    this.trace(`PROBLEM ${text}`);
    if (this.problems.length < MOST_PROBLEMS) this.problems.push(`t=${Math.floor(this.world.now)} ${text}`);
  }

  trace(text: string): void {
    this.options.trace?.(`${this.world.now.toFixed(1).padStart(9)} ${text}`);
  }

  async run(): Promise<ScenarioResult> {
    const rejected = (error: unknown): void => this.problem(`nobody handles a rejection: ${describe(error)}`);
    process.on('unhandledRejection', rejected);
    try {
      this.begin();
      await this.world.run(TROUBLE_MS);
      this.heal();
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

  private begin(): void {
    const { random } = this.world;
    const { plan } = this;
    for (let n = 0; n < plan.workers; n++) this.spawnWorker(plan.sharded ? [n % 2, 2] : undefined);
    for (let n = 0; n < plan.callers; n++) this.spawnCaller();
    if (plan.incidentKinds.length > 0)
      for (let n = 0; n < plan.incidents; n++)
        this.world.schedule(random.int(50, TROUBLE_MS - 500), () => this.incident());
    for (let n = 0; n < plan.rollbacks; n++)
      this.world.schedule(random.int(500, TROUBLE_MS - 1_000), () => {
        const saved = this.server.save();
        this.world.schedule(random.int(1, 400), () => this.server.restore(saved));
      });
  }

  private incident(): void {
    const { random } = this.world;
    const living = this.running.filter(({ process }) => process.alive);
    if (living.length === 0) {
      this.respawnSoon();
      return;
    }
    const victim = random.pick(living);
    const { process } = victim;
    switch (random.pick(this.plan.incidentKinds)) {
      case 'kill':
        this.trace(`${process.name} is killed`);
        this.kill(process);
        return;
      case 'pause': {
        const ms = random.pick([100, 1_500, 6_000]);
        this.trace(`${process.name} is paused for ${ms} ms`);
        this.counts.pauses++;
        process.pause(ms);
        return;
      }
      case 'jump':
        process.clock.offset += random.pick([-600_000, 600_000]);
        return;
      case 'close':
        void this.close(victim);
    }
  }

  private kill(process: Process): void {
    if (!process.alive) return;
    this.counts.kills++;
    process.kill();
    this.respawnSoon();
  }

  private respawnSoon(): void {
    const { random } = this.world;
    this.world.schedule(random.int(1, 2_000), () => {
      if (this.over || random.chance(0.6)) this.spawnWorker(undefined);
      else this.spawnCaller();
    });
  }

  /** A process ends in good order. */
  private async close(running: Running): Promise<void> {
    if (running.closing) return;
    running.closing = true;
    this.counts.closes++;
    const { process, motion } = running;
    const { random } = this.world;
    this.trace(`${process.name} closes`);
    const late = (): void => {
      if (!this.healed) return void this.world.schedule(1_000, late);
      this.world.schedule(CLOSE_MS, () => {
        if (process.alive) this.problem(`${process.name} does not finish closing`);
      });
    };
    late();
    try {
      await motion.close({ abortRunning: random.chance(0.5) });
      this.trace(`${process.name} is closed`);
      process.kill();
      this.respawnSoon();
    } catch (error) {
      this.problem(`close of ${process.name}: ${describe(error)}`);
    }
  }

  private spawn(updates: 'background' | 'off'): Running {
    const { random } = this.world;
    const { plan } = this;
    const offset = plan.skew ? random.pick([0, random.int(-30_000, 30_000), random.pick([-1, 1]) * HOUR]) : 0;
    const rate = plan.skew && random.chance(0.3) ? 0.9 + 0.2 * random.fraction() : 1;
    const process = new Process(this.world, `P${this.counts.processes++}`, { offset, rate });
    const store = new SimulatedStore(this.server, process, this.cache, this.healed ? calm : plan.faults);
    if (!plan.watch) Object.defineProperty(store, 'watch', { value: undefined });
    const motion = new this.options.core.Motion({
      store,
      env: process,
      updates,
      lease: { ttlMs: plan.ttlMs },
      storeTimeoutMs: plan.storeTimeoutMs,
      retry: { attempts: 3, backoffMs: 50, maxBackoffMs: 1_000 },
      logger: {
        debug: () => undefined,
        warn: (message, ...details) => this.heard(process, message, details[0]),
        error: (message, ...details) => this.heard(process, message, details[0]),
      },
      onError: (error, info) => this.heard(process, `update ${info.update}`, error),
    });
    const host: JournalHost = {
      process,
      seen: (id, state) => this.accounting.assertWhole(state, `a serve of ${id} in ${process.name}`),
      ran: (updateId, act) => this.auditor.acts.set(updateId, act),
      die: (victim) => {
        this.trace(`${victim.name} dies of an update`);
        this.kill(victim);
      },
    };
    const { component } = this;
    motion.register(component as never, () => new (component as unknown as new (host: JournalHost) => never)(host));
    const running = { process, store, motion, closing: false };
    this.running.push(running);
    return running;
  }

  private spawnWorker(shard: readonly [number, number] | undefined): void {
    const { random } = this.world;
    const own = shard !== undefined || random.chance(0.5);
    const { process, motion } = this.spawn(own ? 'off' : 'background');
    if (own) motion.worker({ ...(shard && { shard }), concurrency: random.pick([1, 2, 256]) });
    this.trace(`${process.name} starts: a worker${shard ? ` of shard ${shard}` : ''}`);
  }

  private spawnCaller(): void {
    const { random } = this.world;
    const { process, motion } = this.spawn(random.chance(0.6) ? 'background' : 'off');
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
    if (error === undefined || StoreError.is(error, 'closed')) return;
    if (StoreError.is(error) && ['unknown', 'unavailable', 'full'].includes(error.code)) return;
    if (MotionError.is(error) && ['TIMEOUT', 'LEASE_LOST', 'CLOSED', 'ABORTED'].includes(error.code)) return;
    if (error instanceof Error && (error.name === 'PlannedFailure' || /processes that died of it/.test(error.message)))
      return;
    // Entries that a rollback brought back in the midst of a clearing: the next one finds them.
    if (this.plan.rollbacks > 0 && StoreError.is(error, 'invalid') && /^drop/.test(error.message)) return;
    // What was read before a rollback, and confirmed after it, may not fit together: the next look is right.
    if (this.plan.rollbacks > 0 && MotionError.is(error, 'CORRUPT') && /^batch/.test(error.message)) return;
    this.problem(`${process.name} says: ${what}: ${describe(error)}`);
  }

  private heal(): void {
    this.trace('HEALED');
    this.over = true;
    this.healed = true;
    for (const { store, process } of this.running) {
      store.faults = calm;
      process.resume();
    }
    this.spawnWorker(undefined);
    this.spawnWorker(undefined);
  }

  private isQuiet(): boolean {
    for (const [name, partition] of this.server.partitions) {
      const life = this.auditor.current.get(name);
      if (!life) continue;
      if (life.root.cursor < partition.seq || life.root.holder !== null || partition.due !== null) return false;
    }
    return this.callers.every((caller) => caller.idle);
  }

  private async settle(): Promise<void> {
    if (await this.world.run(this.world.now + QUIET_MS, () => this.isQuiet())) {
      // Late messages have their last chance.
      await this.world.run(this.world.now + 25_000);
      if (this.isQuiet() || (await this.world.run(this.world.now + QUIET_MS, () => this.isQuiet()))) return;
    }
    for (const [name, partition] of this.server.partitions) {
      const root = this.auditor.current.get(name)?.root;
      if (root && (root.cursor < partition.seq || root.holder !== null || partition.due !== null))
        this.problem(
          `${name} does not come to rest: seq ${partition.seq}, due ${partition.due}, root ${JSON.stringify(root)}`,
        );
    }
    const stuck = this.accounting.notes.filter(({ outcome, process }) => outcome === 'pending' && process.alive);
    for (const note of stuck.slice(0, 3)) this.problem(`call ${note.label} (${note.flow}) never settles`);
    if (stuck.length === 0 && !this.callers.every((caller) => caller.idle)) this.problem('a caller never finishes');
  }

  /** The last questions, by a process that comes new to it. */
  private async finish(): Promise<void> {
    this.auditor.assertQuiet();
    this.accounting.assertComplete();
    if (this.plan.sweep) for (const { process } of this.running) process.clock.offset += 8 * HOUR;
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
    if (this.plan.sweep && this.plan.rollbacks === 0) this.assertSwept();
  }

  private async askAll(): Promise<void> {
    const { motion } = this.spawn('off');
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

  /** Many hours later - the clocks differ by some - and after a drain: no chunks are left that nothing points to. */
  private assertSwept(): void {
    for (const [name, partition] of this.server.partitions) {
      const { all } = this.auditor.referencedGroups(partition);
      const orphan = [...partition.entries.keys()].find(
        (key) => key.startsWith('b/') && !all.has(key.split('/')[1] ?? ''),
      );
      if (orphan && this.auditor.current.has(name))
        this.problem(`${name}: ${orphan} is left behind, nothing points to it`);
    }
  }

  private result(): ScenarioResult {
    const { world, server, auditor } = this;
    this.counts.calls = this.accounting.notes.length;
    const acknowledged = this.accounting.notes.filter(({ outcome }) => outcome === 'done').length;
    return {
      seed: this.seed,
      problems: this.problems,
      hash: world.hash,
      plan: this.plan,
      counts: { events: world.events, ...this.counts, acknowledged, ...server.counts, ...auditor.counts },
    };
  }
}
