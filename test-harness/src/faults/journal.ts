import { Component, type ComponentClass, InitState, Serve, Update, type UpdateContext } from '@motion-ts/core';
import type { Breach, Step } from './protocol.js';

/** Prefix of the state's keys that hold the last number of a line. */
export const LINE = 'line:';
/** Beyond, one more breach says nothing new. */
const MOST_BREACHES = 50;

export interface JournalState {
  readonly breaches: readonly Breach[];
  readonly big: string;
  readonly [key: string]: unknown;
}

/** Where a journal's methods run. */
export interface JournalHost {
  /** They got to a failpoint; does not return from the one that is meant. */
  reach(point: string): Promise<void> | undefined;
  /** An update begins. */
  runs(step: Step, context: UpdateContext): void;
}

type Decorator = (prototype: object, name: string, descriptor: PropertyDescriptor) => void;

/**
 * A component whose state is small however many updates it gets, and yet tells of each that was lost, doubled or out of
 * order: of every line it keeps the last number, and of every number that is not the next one a breach. The decorators are
 * called as functions: no transform needs to know them.
 */
export function journalOf(componentName: string): {
  readonly Journal: ComponentClass;
  readonly make: (host: JournalHost) => object;
} {
  class Journal extends Component {
    static readonly componentName = componentName;
    private readonly host: JournalHost;

    constructor(host: JournalHost) {
      super();
      this.host = host;
    }

    async setup({ size }: { size: number }): Promise<JournalState> {
      await this.host.reach('inside InitState');
      return { breaches: [], big: '.'.repeat(size) };
    }

    async answer(state: JournalState): Promise<number> {
      await this.host.reach('inside a serve');
      return state.breaches.length;
    }

    note(state: JournalState, step: Step, context: UpdateContext): unknown {
      this.host.runs(step, context);
      const reached = this.host.reach('inside an update');
      if (reached || step.hold !== undefined || step.poison) return this.noteSlowly(reached, state, step, context);
      return this.write(state, step, context);
    }

    private async noteSlowly(
      reached: Promise<void> | undefined,
      state: JournalState,
      step: Step,
      context: UpdateContext,
    ): Promise<unknown> {
      await reached;
      if (step.poison) await die();
      await new Promise((resolve) => setTimeout(resolve, step.hold));
      return this.write(state, step, context);
    }

    private write(state: JournalState, step: Step, { attempt }: UpdateContext): unknown {
      const { line, n, size, fails = 0 } = step;
      if (attempt <= fails) throw new Error(`${line}#${n} is meant to fail`);
      const key = LINE + line;
      const last = (state[key] as number | undefined) ?? 0;
      const patch: Record<string, unknown> = { [key]: Math.max(last, n) };
      if (n !== last + 1)
        patch['breaches'] = [...state.breaches, breachOf(state.breaches, line, n, last)].slice(0, MOST_BREACHES);
      if (size !== undefined) patch['big'] = `${line}#${n}`.padEnd(size, '.');
      return patch;
    }
  }

  const decorate = (name: string, decorator: unknown): void =>
    (decorator as Decorator)(
      Journal.prototype,
      name,
      Object.getOwnPropertyDescriptor(Journal.prototype, name) as PropertyDescriptor,
    );
  decorate('setup', InitState());
  decorate('answer', Serve(['told', 'asked']));
  decorate('note', Update(['note', 'told'], { retry: { attempts: 3, backoffMs: 20 } }));
  return { Journal: Journal as unknown as ComponentClass, make: (host) => new Journal(host) };
}

function breachOf(before: readonly Breach[], line: string, n: number, after: number): Breach {
  if (n > after) return { kind: 'skipped', line, n, after };
  const late = before.some((b) => b.kind === 'skipped' && b.line === line && n > b.after && n < b.n);
  const again = before.some((b) => b.kind === 'reordered' && b.line === line && b.n === n);
  return { kind: late && !again ? 'reordered' : 'doubled', line, n, after };
}

/** Ends this process as a crash does. Nothing after it runs. */
export function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}
