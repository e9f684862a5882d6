import type { CloseOptions, Motion, MotionOptions } from '@motion-ts/core';
import type { Circumstances } from './circumstances.js';
import { calm } from './faults.js';
import type { Random } from './random.js';
import type { SimulatedServer } from './server.js';
import { SimulatedCache, SimulatedStore } from './simulated-store.js';
import { Process, type World } from './world.js';

/** The library under attack: the real one, or a copy with a mistake in it. */
export type Core = typeof import('@motion-ts/core');

/** A process, with what runs in it. */
export interface Member {
  readonly process: Process;
  readonly store: SimulatedStore;
  readonly motion: Motion;
  closing: boolean;
}

/** What a crew is given. */
export interface CrewOptions {
  readonly core: Core;
  readonly circumstances: Circumstances;
  /** Virtual milliseconds within which things go wrong. */
  readonly troubleMs: number;
  readonly motion: Omit<MotionOptions, 'store' | 'env'>;
  /** A process starts: makes the components known to its Motion. */
  equip(member: Omit<Member, 'closing'>): void;
  /** Something is said that nobody waits for. */
  heard(process: Process, what: string, error: unknown): void;
  /** A process is gone: another one may start. */
  respawn(): void;
  /** Whether a process may be killed now. */
  mayDie(process: Process): boolean;
  problem(text: string): void;
  trace(text: string): void;
}

/** A graceful close takes no longer, once the store works. */
const CLOSE_MS = 60_000;
const HOUR = 3_600_000;

/** Processes on one simulated store, and what befalls them. */
export class Crew {
  readonly world: World;
  readonly server: SimulatedServer;
  readonly members: Member[] = [];
  readonly counts = { kills: 0, pauses: 0, closes: 0, processes: 0 };
  /** No more trouble. */
  healed = false;
  private readonly options: CrewOptions;
  private readonly cache = new SimulatedCache();
  private readonly random: Random;

  constructor(world: World, server: SimulatedServer, options: CrewOptions) {
    this.world = world;
    this.random = world.random;
    this.server = server;
    this.options = options;
  }

  /** Lets trouble begin. */
  begin(): void {
    const { random, world, server } = this;
    const { circumstances, troubleMs } = this.options;
    if (circumstances.incidentKinds.length > 0)
      for (let n = 0; n < circumstances.incidents; n++)
        world.schedule(random.int(50, troubleMs - 500), () => this.incident());
    for (let n = 0; n < circumstances.rollbacks; n++)
      world.schedule(random.int(500, troubleMs - 1_000), () => {
        const saved = server.save();
        world.schedule(random.int(1, 400), () => server.restore(saved));
      });
  }

  /** From now on the store works, and nobody is killed or paused. */
  heal(): void {
    this.options.trace('HEALED');
    this.healed = true;
    for (const { store, process } of this.members) {
      store.faults = calm;
      process.resume();
    }
    this.spawnWorker(undefined);
    this.spawnWorker(undefined);
  }

  private incident(): void {
    const { random } = this;
    const { circumstances, trace, mayDie } = this.options;
    const living = this.members.filter(({ process }) => process.alive);
    if (living.length === 0) {
      this.respawnSoon();
      return;
    }
    const victim = random.pick(living);
    const { process } = victim;
    switch (random.pick(circumstances.incidentKinds)) {
      case 'kill':
        if (!mayDie(process)) return;
        trace(`${process.name} is killed`);
        this.kill(process);
        return;
      case 'pause': {
        const ms = random.pick([100, 1_500, 6_000]);
        trace(`${process.name} is paused for ${ms} ms`);
        this.counts.pauses++;
        process.pause(ms);
        return;
      }
      case 'jump': {
        const ms = random.pick([-600_000, 600_000]);
        trace(`the clock of ${process.name} jumps by ${ms} ms`);
        process.clock.offset += ms;
        return;
      }
      case 'close':
        this.world.schedule(0, () => void this.close(victim, { abortRunning: random.chance(0.5) }), process);
    }
  }

  kill(process: Process): void {
    if (!process.alive) return;
    this.counts.kills++;
    process.kill();
    this.respawnSoon();
  }

  private respawnSoon(): void {
    this.world.schedule(this.random.int(1, 2_000), () => this.options.respawn());
  }

  /** A process ends in good order. */
  private async close(member: Member, options: CloseOptions): Promise<void> {
    if (member.closing) return;
    member.closing = true;
    this.counts.closes++;
    const { process, motion } = member;
    const { trace, problem } = this.options;
    trace(`${process.name} closes`);
    const late = (): void => {
      if (!this.healed) return void this.world.schedule(1_000, late);
      this.world.schedule(CLOSE_MS, () => {
        if (process.alive) problem(`${process.name} does not finish closing`);
      });
    };
    late();
    try {
      await motion.close(options);
      trace(`${process.name} is closed`);
      process.kill();
      this.respawnSoon();
    } catch (error) {
      problem(`close of ${process.name}: ${error}`);
    }
  }

  /** A new process, with a Motion of its own. */
  spawn(updates: 'background' | 'off'): Member {
    const { random } = this;
    const { circumstances, core, heard, equip } = this.options;
    const { skew, watch, ttlMs, storeTimeoutMs, faults } = circumstances;
    const offset = skew ? random.pick([0, random.int(-30_000, 30_000), random.pick([-1, 1]) * HOUR]) : 0;
    const rate = skew && random.chance(0.3) ? 0.9 + 0.2 * random.fraction() : 1;
    const process = new Process(this.world, `P${this.counts.processes++}`, { offset, rate });
    const store = new SimulatedStore(this.server, process, this.cache, this.healed ? calm : faults);
    if (!watch) Object.defineProperty(store, 'watch', { value: undefined });
    const motion = new core.Motion({
      lease: { ttlMs },
      storeTimeoutMs,
      ...this.options.motion,
      store,
      env: process,
      updates,
      logger: {
        debug: () => undefined,
        warn: (message, ...details) => heard(process, message, details[0]),
        error: (message, ...details) => heard(process, message, details[0]),
      },
      onError: (error, info) => heard(process, `update ${info.update} of flow ${info.flow}`, error),
    });
    const member = { process, store, motion, closing: false };
    this.world.enter(process, () => equip(member));
    this.members.push(member);
    return member;
  }

  /** A process that runs updates, and nothing else. */
  spawnWorker(shard: readonly [index: number, of: number] | undefined): void {
    const { random } = this;
    const own = shard !== undefined || random.chance(0.5);
    const { process, motion } = this.spawn(own ? 'off' : 'background');
    const concurrency = random.pick([1, 2, 256]);
    if (own) this.world.enter(process, () => motion.worker({ ...(shard && { shard }), concurrency }));
    this.options.trace(`${process.name} starts: a worker${shard ? ` of shard ${shard}` : ''}`);
  }

  spawnWorkers(): void {
    const { workers, sharded } = this.options.circumstances;
    for (let n = 0; n < workers; n++) this.spawnWorker(sharded ? [n % 2, 2] : undefined);
  }
}
