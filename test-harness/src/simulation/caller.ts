import type { Instance, Motion } from '@motion-ts/core';
import { MotionError, StoreError } from '@motion-ts/core';
import { type Accounting, type CallNote, describe } from './accounting.js';
import type { Auditor, Life } from './auditor.js';
import { type Act, directFlows, type JournalState, servedFlows } from './journal.js';
import type { Mix, Plan } from './plan.js';
import type { Process, World } from './world.js';

/** What all callers of a run share. */
export interface Stage {
  readonly world: World;
  readonly plan: Plan;
  readonly auditor: Auditor;
  readonly accounting: Accounting;
  readonly component: Parameters<Motion['instance']>[0];
  /** Once true, callers finish what they do and begin nothing new. */
  over: boolean;
  problem(text: string): void;
  trace(text: string): void;
}

/** What a {@link Motion} gives for a component whose types do not matter here. */
interface Handle {
  run(flow: string, props?: object, options?: object): Promise<unknown>;
  stream(
    flow: string,
    props?: object,
    options?: object,
  ): AsyncIterable<unknown> & { readonly result: Promise<unknown> };
  readState(key?: string): Promise<unknown>;
  writeState(patch: object): Promise<void>;
  version(): Promise<number>;
  flushUpdates(): Promise<void>;
  deadLetters(): Promise<{ readonly id: string }[]>;
  redrive(id: string): Promise<void>;
  discardDeadLetter(id: string): Promise<void>;
  close(): Promise<void>;
}

type Doing = keyof Mix;

/** One caller in one process: a program that uses one instance, one call after another or some at once. */
export class Caller {
  private readonly stage: Stage;
  private readonly process: Process;
  private readonly motion: Motion;
  private readonly id: string;
  private readonly name: string;
  private readonly doings: readonly Doing[];
  private handle: Handle | undefined;
  private life: Life | undefined;
  private generation = 0;
  private calls = 0;
  private lastVersion = 0;
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
    if (StoreError.is(error) && ['unknown', 'unavailable', 'full', 'closed'].includes(error.code)) return;
    if (MotionError.is(error, 'CLOSED')) return;
    // Entries that a rollback brought back in the midst of a clearing: the next one finds them.
    if (StoreError.is(error, 'invalid') && this.stage.plan.rollbacks > 0 && /^drop/.test(error.message)) return;
    if (MotionError.is(error, 'INSTANCE_GONE')) {
      this.handle = undefined;
      return;
    }
    this.stage.problem(`caller ${this.name} ${what}: ${describe(error)}`);
  }

  private async open(): Promise<Handle | undefined> {
    const { component, world } = this.stage;
    for (let attempt = 0; attempt < 50; attempt++) {
      const birth = `${this.name}.${this.generation++}`;
      try {
        const handle = (await this.motion.instance(component, this.id, {
          init: { birth },
        } as never)) as Instance as unknown as Handle;
        this.life = this.stage.accounting.livesOf(String(await handle.readState('birth')))[0];
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
    if (directFlows.includes(doing) || servedFlows.includes(doing)) return this.call(handle, doing);
    switch (doing) {
      case 'ask':
        return this.ask(handle);
      case 'writeState':
        return this.writeState(handle);
      case 'readState':
        return this.readState(handle);
      case 'flush':
        return this.flush(handle);
      case 'letters':
        return this.letters(handle);
      case 'inspect':
        return this.inspect();
      case 'clear':
        return this.clear();
      default:
        return this.reopen(handle);
    }
  }

  private draw(): Act {
    const { world, plan } = this.stage;
    const { random } = world;
    // As many keys as one update may change, now and then.
    const wide = random.chance(plan.wide);
    const width = wide ? Math.min(46, plan.limits.commitOps - 14) : 6;
    const first = random.int(0, wide ? 45 : plan.names);
    const keys = Array.from({ length: width }, (_, n) => `k${(first + n) % 46}`).filter(() => random.chance(0.7));
    const cut = random.int(0, keys.length);
    return {
      label: `${this.name}#${this.calls++}`,
      ...(random.chance(plan.poison) && { poison: true }),
      ...(random.chance(plan.failures) && { fails: random.pick([1, 2, 99]) }),
      ...(random.chance(0.3) && { ms: random.chance(0.1) ? random.int(500, 4_000) : random.int(1, 40) }),
      ...(random.chance(plan.big) && { size: random.int(100, 3_000) }),
      ...((wide || random.chance(plan.many)) && { set: keys.slice(0, cut), unset: keys.slice(cut) }),
    };
  }

  private async call(handle: Handle, flow: string): Promise<void> {
    const { world, plan, accounting } = this.stage;
    const { random } = world;
    const act = this.draw();
    const key = random.chance(plan.keyed) ? `${this.id}-key${random.int(0, 9)}` : undefined;
    const flush = random.chance(plan.flushes);
    const controller = random.chance(0.05) ? new AbortController() : undefined;
    const note = accounting.begin({
      label: act.label,
      process: this.process,
      caller: this.name,
      life: this.life,
      flow,
      key,
      flush,
    });
    const options = {
      ...(flush && { flushUpdates: true }),
      ...(key !== undefined && { idempotencyKey: key }),
      ...(controller && { signal: controller.signal }),
    };
    if (controller) this.process.timer(random.int(0, 200), () => controller.abort());
    const floor = this.life?.log.length ?? 0;
    try {
      const result = flow === 'stream' ? await this.stream(handle, act, options) : await handle.run(flow, act, options);
      if (result === 'left early') {
        note.outcome = 'refused';
        return;
      }
      if (flow === 'note') this.assertFresh(result, floor, note.invokedAt, `call ${act.label}`);
      accounting.done(note);
    } catch (error) {
      this.callFailed(note, error);
    }
  }

  private callFailed(note: CallNote, error: unknown): void {
    this.stage.trace(`${note.label} failed: ${describe(error).slice(0, 160)}`);
    this.stage.accounting.failed(note, error);
    if (MotionError.is(error, 'INSTANCE_GONE') && note.life === this.life) this.handle = undefined;
  }

  private async stream(handle: Handle, act: Act, options: object): Promise<unknown> {
    const { random } = this.stage.world;
    const stream = handle.stream('stream', act, options);
    const leave = random.chance(0.2) ? random.int(0, 2) : Infinity;
    let n = 0;
    for await (const _ of stream) if (n++ >= leave) return 'left early';
    return stream.result;
  }

  private async ask(handle: Handle): Promise<void> {
    const { now } = this.stage.world;
    const floor = this.life?.log.length ?? 0;
    const { life } = this;
    const count = await handle.run('ask', {});
    if (life === this.life) this.assertFresh(count, floor, now, `${this.name} asked`);
  }

  /** What was committed before the call must be seen by it. */
  private assertFresh(count: unknown, floor: number, since: number, where: string): void {
    if (this.stage.plan.rollbacks > 0) return;
    if (typeof count !== 'number') this.stage.problem(`${where}: the result is ${String(count)}`);
    else if (count < floor && this.stage.accounting.isExact(since))
      this.stage.problem(`${where}: saw ${count} updates, but ${floor} were committed before`);
  }

  private async writeState(handle: Handle): Promise<void> {
    const { accounting } = this.stage;
    const label = `${this.name}#${this.calls++}`;
    const note = accounting.begin({
      label,
      process: this.process,
      caller: this.name,
      life: this.life,
      flow: 'writeState',
      key: undefined,
      flush: true,
    });
    try {
      await handle.writeState({ [`w${this.name}`]: label });
      accounting.done(note);
    } catch (error) {
      this.callFailed(note, error);
    }
  }

  private async readState(handle: Handle): Promise<void> {
    const { now } = this.stage.world;
    const { life } = this;
    const floor = life?.log.length ?? 0;
    const state = (await handle.readState()) as JournalState;
    this.stage.accounting.assertWhole(state, `${this.name} reading the state`);
    if (life && state.birth !== life.birth)
      this.stage.problem(`${this.name} opened ${life.birth}, but sees ${state.birth}`);
    this.assertFresh(state.count, floor, now, `${this.name} read the state`);
    const { lastVersion } = this;
    const version = await handle.version();
    if (life !== this.life) return;
    if (version < lastVersion && this.stage.accounting.isExact(0))
      this.stage.problem(`${this.name} saw version ${version} after ${lastVersion}`);
    this.lastVersion = Math.max(this.lastVersion, version);
  }

  private async flush(handle: Handle): Promise<void> {
    const { now } = this.stage.world;
    const { life } = this;
    const seq = this.seqOf(life);
    try {
      await handle.flushUpdates();
    } catch (error) {
      if (!MotionError.is(error, 'UPDATE_FAILED')) throw error;
    }
    if (life && this.stage.accounting.isExact(now) && life.root.cursor < seq)
      this.stage.problem(`${this.name} flushed ${seq} batches, but only ${life.root.cursor} are done`);
  }

  private seqOf(life: Life | undefined): number {
    return Math.max(0, ...(life?.batches.keys() ?? []));
  }

  private async letters(handle: Handle): Promise<void> {
    const { world, accounting } = this.stage;
    const { random } = world;
    const { now } = world;
    const { life } = this;
    const isGone = (id: string): boolean => !!life && (life.redriven.has(id) || life.dropped.has(id) || life.ended);
    const there = [...(life?.outcomes ?? [])].filter(([id, kind]) => kind === 'dead' && !isGone(id));
    const letters = await handle.deadLetters();
    if (!life) return;
    if (accounting.isExact(now))
      for (const [id] of there)
        if (!isGone(id) && !letters.some((letter) => letter.id === id))
          this.stage.problem(`${this.name} does not find dead letter ${id}`);
    const letter = letters.length > 0 ? random.pick(letters) : undefined;
    if (!letter) return;
    const redrive = random.chance(0.6);
    try {
      await (redrive ? handle.redrive(letter.id) : handle.discardDeadLetter(letter.id));
      if (accounting.isExact(now) && !life.ended && !(redrive ? life.redriven : life.dropped).has(letter.id))
        this.stage.problem(`${this.name} was told that ${letter.id} is ${redrive ? 'redriven' : 'dropped'}: it is not`);
    } catch (error) {
      if (!MotionError.is(error, 'NO_DEAD_LETTER')) throw error;
      if (accounting.isExact(now) && !isGone(letter.id))
        this.stage.problem(`${this.name}: ${error.message}, but it is there`);
    }
  }

  private async inspect(): Promise<void> {
    const { component, accounting } = this.stage;
    const found = await this.motion.inspect(component, this.id);
    accounting.assertWhole(found.state as JournalState, `${this.name} inspecting`);
    if (found.queued < 0) this.stage.problem(`${this.name} was told that ${found.queued} updates are queued`);
  }

  private async clear(): Promise<void> {
    const { component, auditor, accounting, world } = this.stage;
    const { now } = world;
    const life = auditor.current.get(`Journal/${this.id}`);
    await this.motion.clear(component as never, this.id);
    if (life && accounting.isExact(now) && !life.ended)
      this.stage.problem(`${this.name} cleared ${life.birth}, but it lives`);
  }

  private async reopen(handle: Handle): Promise<void> {
    if (this.handle === handle) this.handle = undefined;
    await handle.close();
  }
}
