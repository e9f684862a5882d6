import { type AnyComponent, type Instance, MotionError, StoreError } from '@motion-ts/core';
import { describe, isRefusal } from '../errors.js';
import type { SimulatedServer } from '../server.js';
import type { Process } from '../world.js';

/**
 * What is known of a call's updates.
 *
 * - `acknowledged`: they are queued, so by the end each is done: in the state, discarded by its policy, or a dead letter;
 *   with `flushUpdates`, and of a `writeState`: in the state
 * - `failed`: an update became a dead letter, or was discarded
 * - `refused`: none was queued
 * - `uncertain`: queued or not: the store did not say, the caller died, or a rollback came after it
 */
export type CallOutcome = 'acknowledged' | 'failed' | 'refused' | 'uncertain';

/** A call that a scenario made. */
export interface Call {
  /** Which caller made it. */
  readonly caller: number;
  readonly component: string;
  /** The instance's id. */
  readonly id: string;
  /** The flow's name; `writeState` for one of these. */
  readonly flow: string;
  /** The props, or the patch of a `writeState`. */
  readonly props: Readonly<Record<string, unknown>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly outcome: CallOutcome;
  /** What it resolved to. */
  readonly result: unknown;
  /** What it rejected with. */
  readonly error: unknown;
}

interface Note extends Omit<Call, 'outcome' | 'result' | 'error'> {
  readonly n: number;
  readonly process: Process;
  readonly madeAt: number;
  result?: unknown;
  error?: unknown;
  settled: 'no' | CallOutcome;
}

const FAILED: ReadonlySet<string> = new Set(['UPDATE_FAILED', 'UPDATE_DISCARDED']);
const UNCERTAIN: ReadonlySet<string> = new Set(['ABORTED', 'TIMEOUT', 'CLOSED', 'INSTANCE_GONE', 'CORRUPT']);

/** Writes down what callers ask for, and what they are told. */
export class Ledger {
  private readonly notes: Note[] = [];
  private readonly server: SimulatedServer;
  private readonly trace: (text: string) => void;
  private lastRollback = -1;

  constructor(server: SimulatedServer, trace: (text: string) => void) {
    this.server = server;
    this.trace = trace;
    server.onRollback.push(() => {
      this.lastRollback = server.world.now;
    });
  }

  /** The calls, each with what is known of it by now. */
  calls(): Call[] {
    return this.notes.map(({ n: _, process: __, madeAt, settled, ...call }) => ({
      ...call,
      result: call.result,
      error: call.error,
      outcome: settled === 'no' || madeAt <= this.lastRollback ? 'uncertain' : settled,
    }));
  }

  /** Calls that nobody answered, although their process lives. */
  open(): string[] {
    return this.notes.filter(({ settled, process }) => settled === 'no' && process.alive).map(nameOf);
  }

  /** An instance whose calls are written down. */
  recorded<C extends AnyComponent>(instance: Instance<C>, process: Process, caller: number): Instance<C> {
    const { componentName, id } = instance;
    const note = (flow: string, props: unknown, options: unknown): Note => {
      const given = (value: unknown): Record<string, unknown> => ({ ...(value as object | undefined) });
      const call = { caller, component: componentName, id, flow, props: given(props), options: given(options) };
      const made: Note = { ...call, n: this.notes.length, process, madeAt: this.server.world.now, settled: 'no' };
      this.notes.push(made);
      this.trace(`${process.name} calls ${nameOf(made)} ${JSON.stringify(props)?.slice(0, 200) ?? ''}`);
      return made;
    };
    const methods: Record<string, (...args: never[]) => unknown> = {
      run: (flow: string, ...args: [props?: object, options?: object]) =>
        this.settle(note(flow, ...pair(args)), instance.run(flow as never, ...(args as never))),
      writeState: (...args: [patch: object, options?: object]) =>
        this.settle(note('writeState', ...pair(args)), instance.writeState(...(args as [never]))),
      stream: (flow: string, ...args: [props?: object, options?: object]) => {
        const made = note(flow, ...pair(args));
        const chunks = instance.stream(flow as never, ...(args as never));
        void this.settle(made, Promise.resolve(chunks.result)).catch(() => undefined);
        return chunks;
      },
    };
    return new Proxy(instance, {
      get: (target, key) => {
        const own = typeof key === 'string' ? methods[key] : undefined;
        if (own) return own;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  private async settle<T>(note: Note, work: Promise<T>): Promise<T> {
    try {
      const result = await work;
      note.result = result;
      note.settled = 'acknowledged';
      this.trace(`${nameOf(note)} is acknowledged`);
      return result;
    } catch (error) {
      note.error = error;
      note.settled = outcomeOf(error, note.options['flushUpdates'] === true || note.flow === 'writeState');
      this.trace(`${nameOf(note)} is ${note.settled}: ${describe(error).split('\n')[0]}`);
      throw error;
    }
  }
}

const pair = ([props, options]: [props?: unknown, options?: unknown]): [unknown, unknown] => [props, options];

const nameOf = ({ n, component, id, flow }: Note): string => `#${n} ${component}/${id}.${flow}`;

function outcomeOf(error: unknown, waited: boolean): CallOutcome {
  if (StoreError.is(error)) return isRefusal(error) && !waited ? 'refused' : 'uncertain';
  if (!MotionError.is(error)) return 'refused';
  if (FAILED.has(error.code)) return 'failed';
  return UNCERTAIN.has(error.code) ? 'uncertain' : 'refused';
}
