import type { ComponentClass, UpdateContext } from '@motion-ts/core';
import type { Core } from '../crew.js';
import type { Process } from '../world.js';

/** What a call asks of its updates. The whole effect on the state can be told from it: see {@link effectOf}. */
export interface Act {
  /** Unique; the caller's name and number. */
  readonly label: string;
  /** Milliseconds that the update takes. */
  readonly ms?: number;
  /** So many tries fail. */
  readonly fails?: number;
  /** The process dies of it. */
  readonly poison?: boolean;
  /** Length of a big value. */
  readonly size?: number;
  /** Keys to set. */
  readonly set?: readonly string[];
  /** Keys to remove. */
  readonly unset?: readonly string[];
}

/** The journal's state: `log` has the ids of all updates that took effect, the rest can be told from it. */
export interface JournalState {
  /** Who made the instance: tells one life of it from the next. */
  readonly birth: string;
  readonly log: readonly string[];
  readonly count: number;
  readonly last: string;
  readonly [key: string]: unknown;
}

/** What a serve answers: which state it saw. */
export interface Look {
  readonly count: number;
  readonly last: string;
}

/** What an update changes beside the log; undefined for a key that goes. */
export function effectOf(act: Act, updateId: string): Map<string, unknown> {
  const changes = new Map<string, unknown>();
  if (act.size !== undefined) changes.set('big', updateId.padEnd(act.size, '.'));
  for (const key of act.set ?? []) changes.set(key, updateId);
  for (const key of act.unset ?? []) changes.set(key, undefined);
  return changes;
}

/** Where a journal's methods run, and who looks on. */
export interface JournalHost {
  readonly process: Process;
  /** A serve sees a state. */
  seen(instanceId: string, state: JournalState): void;
  /** An update runs. */
  ran(updateId: string, act: Act): void;
  /** An update kills its process. */
  die(process: Process): void;
}

export const AGE_MS = 400;
export const NEWER = 2;
export const TIMEOUT_MS = 250;
/** Flows without a serve: their calls reach the queue in the order in which they were made, awaited or not. */
export const directFlows: readonly string[] = ['tell', 'triple', 'aging', 'newest', 'hasty', 'stubborn'];
export const servedFlows: readonly string[] = ['note', 'stream'];

/** The error of an update that is meant to fail; short, since it is stored with a dead letter. */
export class PlannedFailure extends Error {
  override readonly name = 'PlannedFailure';
  constructor(label: string) {
    super(label);
    this.stack = `PlannedFailure: ${label}`;
  }
}

type Decorator = (prototype: object, name: string, descriptor: PropertyDescriptor) => void;

/**
 * A component that writes down what happens to it. The decorators are called as functions: no transform needs to know
 * them, and each copy of core has a class of its own.
 */
export function journalOf(core: Core): ComponentClass {
  const { Component, InitState, Serve, Update, remove } = core;

  class Journal extends Component {
    static readonly componentName = 'Journal';
    private readonly host: JournalHost;

    constructor(host: JournalHost) {
      super();
      this.host = host;
    }

    setup({ birth }: { birth: string }): JournalState {
      return { birth, log: [], count: 0, last: '' };
    }

    look(state: JournalState, _: unknown, ctx: { instanceId: string }): Look {
      this.host.seen(ctx.instanceId, state);
      return { count: state.count, last: state.last };
    }

    async *read(state: JournalState, _: unknown, ctx: { instanceId: string }): AsyncGenerator<number> {
      this.host.seen(ctx.instanceId, state);
      for (let n = 0; n < 3; n++) {
        await this.host.process.sleep(5);
        yield state.count;
      }
    }

    keep(state: JournalState, act: Act, ctx: UpdateContext): unknown {
      return act.ms !== undefined || act.poison ? this.keepSlowly(state, act, ctx) : this.write(state, act, ctx);
    }

    second(state: JournalState, act: Act, ctx: UpdateContext): unknown {
      return this.write(state, act, ctx);
    }

    third(state: JournalState, act: Act, ctx: UpdateContext): unknown {
      return this.write(state, act, ctx);
    }

    private async keepSlowly(state: JournalState, act: Act, ctx: UpdateContext): Promise<unknown> {
      const { process } = this.host;
      if (act.poison) {
        await process.sleep(5);
        this.host.die(process);
        await new Promise(() => undefined);
      }
      await process.sleep(act.ms ?? 0);
      return this.write(state, act, ctx);
    }

    private write(state: JournalState, act: Act, { updateId, attempt }: UpdateContext): unknown {
      this.host.ran(updateId, act);
      if (attempt <= (act.fails ?? 0)) throw new PlannedFailure(act.label);
      const patch: Record<string, unknown> = {
        log: [...state.log, updateId],
        count: state.count + 1,
        last: updateId,
      };
      for (const [key, value] of effectOf(act, updateId)) patch[key] = value === undefined ? remove : value;
      return patch;
    }
  }

  const decorate = (name: keyof Journal | 'look' | 'keep', decorator: unknown): void =>
    (decorator as Decorator)(
      Journal.prototype,
      name,
      Object.getOwnPropertyDescriptor(Journal.prototype, name) as PropertyDescriptor,
    );
  decorate('setup', InitState());
  decorate('look', Serve('ask', { cache: { ttlMs: 5_000 } }));
  decorate('look', Serve('note'));
  decorate('read', Serve('stream'));
  decorate('keep', Update(['tell', 'note', 'stream', 'triple']));
  decorate('second', Update('triple'));
  decorate('third', Update('triple'));
  decorate('keep', Update('aging', { discard: { afterMs: AGE_MS } }));
  decorate('keep', Update('newest', { discard: { afterUpdates: NEWER } }));
  decorate('keep', Update('hasty', { timeoutMs: TIMEOUT_MS, retry: { attempts: 2, backoffMs: 10 } }));
  decorate('keep', Update('stubborn', { retry: { attempts: 6, backoffMs: 20, maxBackoffMs: 100 } }));
  return Journal as unknown as ComponentClass;
}
