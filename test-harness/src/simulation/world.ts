import type { Env } from '@motion-ts/core';
import { Random } from './random.js';

/** Something that happens at a virtual time. */
interface Happening {
  at: number;
  /** Drawn: decides among those of the same moment. */
  readonly tie: number;
  readonly run: () => void;
  readonly process: Process | undefined;
  cancelled: boolean;
}

/** Thrown when a run does not come to an end. */
export class Runaway extends Error {
  override readonly name = 'Runaway';
}

/**
 * Virtual time. One event is one macrotask: all microtasks that follow from it are done before the next begins. Node
 * without I/O is deterministic, so the seed decides everything, and the {@link hash} shows that it did.
 */
export class World {
  readonly random: Random;
  /** Milliseconds. */
  now = 0;
  /** How many events ran. */
  events = 0;
  /** Of all that happened so far, in order. */
  hash = 0;
  /** Runs something as a process: whoever must know later whose doing a thing was sets it. */
  enter: (process: Process, run: () => void) => void = (_, run) => run();
  /** Events after which a run is given up. */
  maxEvents = 2_000_000;
  private readonly heap: Happening[] = [];

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /**
   * Lets something happen later.
   *
   * @param process whose it is: dropped when that was killed, put off while it is paused
   * @returns cancels it
   */
  schedule(delay: number, run: () => void, process?: Process): () => void {
    const happening: Happening = {
      at: this.now + Math.max(0, delay),
      tie: this.random.bits(),
      run,
      process,
      cancelled: false,
    };
    this.push(happening);
    return () => {
      happening.cancelled = true;
    };
  }

  /** Takes something that happened into the hash. */
  note(what: string): void {
    let hash = this.hash;
    for (let i = 0; i < what.length; i++) hash = Math.imul(hash ^ what.charCodeAt(i), 0x01000193);
    this.hash = hash;
  }

  /**
   * Runs events until a virtual time, or until something is so.
   *
   * @returns whether `done` came true; without it, true
   */
  async run(until: number, done?: () => boolean): Promise<boolean> {
    for (;;) {
      if (done?.()) return true;
      const next = this.heap[0];
      if (!next || next.at > until) {
        this.now = Math.max(this.now, until);
        return done === undefined;
      }
      this.pop();
      if (next.cancelled) continue;
      this.now = Math.max(this.now, next.at);
      const { process } = next;
      if (process && !process.alive) continue;
      if (process && process.pausedUntil > this.now) {
        next.at = process.pausedUntil;
        this.push(next);
        continue;
      }
      if (++this.events > this.maxEvents) throw new Runaway(`more than ${this.maxEvents} events`);
      this.hash = Math.imul(this.hash ^ Math.floor(next.at * 16) ^ next.tie, 0x01000193);
      if (process) this.enter(process, next.run);
      else next.run();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  private push(happening: Happening): void {
    const { heap } = this;
    let i = heap.push(happening) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent] as Happening;
      if (isBefore(above, happening)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = happening;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop() as Happening;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Happening, heap[child] as Happening)) child++;
      if (isBefore(last, heap[child] as Happening)) break;
      heap[i] = heap[child] as Happening;
      i = child;
    }
    heap[i] = last;
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.at < b.at || (a.at === b.at && a.tie < b.tie);
}

/** How a process's clocks are wrong. */
export interface Clock {
  /** Milliseconds that its wall clock is ahead. */
  offset: number;
  /** How fast its time runs: 1 is right. */
  readonly rate: number;
}

/** Where the wall clocks of the simulated world begin. */
const EPOCH = 1_700_000_000_000;

/**
 * One simulated process: what core sees of the world. Every continuation of core comes from a timer or from a store's
 * reply, and both carry the process: one that is killed simply never goes on.
 */
export class Process implements Env {
  readonly world: World;
  readonly name: string;
  readonly clock: Clock;
  alive = true;
  pausedUntil = 0;
  private ids = 0;

  constructor(world: World, name: string, clock: Clock) {
    this.world = world;
    this.name = name;
    this.clock = clock;
  }

  now(): number {
    return EPOCH + Math.floor(this.world.now * this.clock.rate + this.clock.offset);
  }

  mono(): number {
    return this.world.now * this.clock.rate;
  }

  timer(ms: number, run: () => void): () => void {
    if (!this.alive) return () => undefined;
    // As Node does: no timer fires in the same moment.
    return this.world.schedule(Math.max(1, ms) / this.clock.rate, run, this);
  }

  /** Another turn of the event loop, as soon as can be. */
  turn(run: () => void): () => void {
    return this.alive ? this.world.schedule(0, run, this) : () => undefined;
  }

  random(): number {
    return this.world.random.fraction();
  }

  id(): string {
    return `${this.name}-${(this.ids++).toString(36)}`;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.timer(ms, resolve));
  }

  kill(): void {
    this.alive = false;
  }

  pause(ms: number): void {
    this.pausedUntil = this.world.now + ms;
  }

  resume(): void {
    this.pausedUntil = 0;
  }
}
