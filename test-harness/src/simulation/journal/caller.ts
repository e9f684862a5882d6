import type { Instance, Motion } from '@motion-ts/core';
import { MotionError, StoreError } from '@motion-ts/core';
import { describe, isOutage } from '../errors.js';
import type { Process } from '../world.js';
import { ask, call, writeState } from './calls.js';
import type { JournalLife } from './effects.js';
import { directFlows, servedFlows } from './journal.js';
import { clear, flush, inspect, letters, readState, reopen } from './looks.js';
import type { Mix } from './plan.js';
import type { Actor, Handle, Stage } from './stage.js';

type Doing = keyof Mix;

/** One caller in one process: a program that uses one instance, one call after another or some at once. */
export class Caller implements Actor {
  readonly stage: Stage;
  readonly process: Process;
  readonly motion: Motion;
  /** The instance that it uses. */
  readonly id: string;
  readonly name: string;
  handle: Handle | undefined;
  life: JournalLife | undefined;
  /** The newest version of the state that it saw. */
  lastVersion = 0;
  private readonly doings: readonly Doing[];
  private generation = 0;
  private calls = 0;
  /** Calls under way. */
  private busy = 0;
  private finished = false;

  constructor(stage: Stage, process: Process, motion: Motion, id: string, n: number) {
    this.stage = stage;
    this.process = process;
    this.motion = motion;
    this.id = id;
    this.name = `${process.name}c${n}`;
    const { mix } = stage.plan;
    this.doings = (Object.keys(mix) as Doing[]).flatMap((doing) => Array<Doing>(mix[doing]).fill(doing));
  }

  /** Whether nothing of it is under way any more. */
  get idle(): boolean {
    return !this.process.alive || (this.finished && this.busy === 0);
  }

  /** A name for its next call. */
  nextLabel(): string {
    return `${this.name}#${this.calls++}`;
  }

  async work(calls: number): Promise<void> {
    const { random } = this.stage.world;
    try {
      for (let n = 0; n < calls && !this.stage.over; n++) {
        const handle = this.handle ?? (await this.open());
        if (!handle) break;
        const doing = this.guarded(this.act(handle, random.pick(this.doings)));
        if (random.chance(0.6)) await doing;
        if (random.chance(0.5)) await this.process.sleep(random.int(0, 300));
      }
    } catch (error) {
      this.stage.problem(`caller ${this.name}: ${describe(error)}`);
    } finally {
      this.finished = true;
    }
  }

  private async guarded(work: Promise<void>): Promise<void> {
    this.busy++;
    try {
      await work;
    } catch (error) {
      this.expected(error, 'did something');
    } finally {
      this.busy--;
    }
  }

  /** Errors that a caller must live with. */
  private expected(error: unknown, what: string): void {
    if (isOutage(error) || MotionError.is(error, 'CLOSED')) return;
    // Entries that a rollback brought back in the midst of a clearing: the next one finds them.
    if (StoreError.is(error, 'invalid') && this.stage.plan.rollbacks > 0 && /^drop/.test(error.message)) return;
    if (MotionError.is(error, 'INSTANCE_GONE')) {
      this.handle = undefined;
      return;
    }
    this.stage.problem(`caller ${this.name} ${what}: ${describe(error)}`);
  }

  private async open(): Promise<Handle | undefined> {
    const { component, world, accounting } = this.stage;
    for (let attempt = 0; attempt < 50; attempt++) {
      const birth = `${this.name}.${this.generation++}`;
      try {
        const handle = (await this.motion.instance(component, this.id, {
          init: { birth },
        } as never)) as Instance as unknown as Handle;
        this.life = accounting.livesOf(String(await handle.readState('birth')))[0];
        this.lastVersion = 0;
        this.handle = handle;
        return handle;
      } catch (error) {
        if (MotionError.is(error, 'CLOSED')) return undefined;
        this.expected(error, 'opened the instance');
        await this.process.sleep(world.random.int(10, 500));
      }
    }
    this.stage.problem(`caller ${this.name} could not open the instance in 50 attempts`);
    return undefined;
  }

  private act(handle: Handle, doing: Doing): Promise<void> {
    if (directFlows.includes(doing) || servedFlows.includes(doing)) return call(this, handle, doing);
    switch (doing) {
      case 'ask':
        return ask(this, handle);
      case 'writeState':
        return writeState(this, handle);
      case 'readState':
        return readState(this, handle);
      case 'flush':
        return flush(this, handle);
      case 'letters':
        return letters(this, handle);
      case 'inspect':
        return inspect(this);
      case 'clear':
        return clear(this);
      default:
        return reopen(this, handle);
    }
  }
}
