import {
  Component,
  type FlowContext,
  InitState,
  type Instance,
  type Motion,
  type Props,
  Serve,
  type State,
  Update,
  type UpdateContext,
  type UpdateProps,
} from '@motion-ts/core';
import type { Place, ProcessOptions } from './place.js';

type Decorator = (prototype: object, name: string, descriptor: PropertyDescriptor) => void;

/**
 * Decorates a component's methods by calling the decorators as functions, in this order: no transform that a caller of the
 * suite may use needs to know decorators.
 */
export function decorate<C>(
  component: { readonly prototype: C },
  decorators: { readonly [M in keyof C]?: unknown },
): void {
  for (const [name, given] of Object.entries<unknown>(decorators)) {
    const descriptor = Object.getOwnPropertyDescriptor(component.prototype, name) as PropertyDescriptor;
    for (const decorator of Array.isArray(given) ? given : [given])
      (decorator as Decorator)(component.prototype as object, name, descriptor);
  }
}

/** A component that writes down what happens to it: order, loss and repetition show in its log. */
export class Journal extends Component<{
  params: { first?: string };
  state: { log: string[]; count: number; draft?: unknown; bytes?: Uint8Array };
  flows: {
    add: { props: { word: string }; result: number };
    pair: { props: { word: string }; result: string };
    look: { result: readonly string[] };
    fail: { props: { word: string; times?: number } };
    fragile: { props: { word: string } };
    make: { props: { given?: unknown }; result: unknown };
    held: { props: { word: string }; result: readonly [before: number, after: number] };
    either: { props: { word: string }; result: string };
    or: { props: { word: string }; result: string };
    pass: { props: { pass?: unknown }; result: string; passed?: object };
    see: { props: { given?: unknown }; result: unknown };
  };
}> {
  static readonly componentName = 'Journal';
  /** Words whose methods wait. */
  readonly gates: Map<string, Promise<void>> = new Map();
  /** Words whose `fragile` fails. */
  readonly broken: Set<string> = new Set();
  /** Every start of a method, by its word. */
  readonly tries: string[] = [];
  /** Of every start of `keep` and `held`. */
  readonly contexts: (UpdateContext | FlowContext)[] = [];
  readonly signals: AbortSignal[] = [];
  /** What runs now, and how much ran at once at most: by instance, and in all. */
  readonly running: Map<string, number> = new Map();
  mostOfOne = 0;
  mostInAll = 0;
  /** What `make` returns, and what `see` does. */
  patch: (state: State<Journal>, given: unknown) => unknown = () => undefined;
  sight: (state: State<Journal>, given: unknown) => unknown = () => undefined;

  setup({ first }: { first?: string }): { log: string[]; count: number } {
    return { log: first === undefined ? [] : [first], count: 0 };
  }
  size(state: State<Journal>): number {
    return state.log.length;
  }
  async keep(state: State<Journal>, { word }: { word: string }, context: UpdateContext): Promise<object> {
    this.note(word, context);
    this.enter(context.instanceId);
    await this.gates.get(word);
    this.leave(context.instanceId);
    return { log: [...state.log, word], count: state.count + 1 };
  }
  shout(_: unknown, { word }: { word: string }): string {
    return word.toUpperCase();
  }
  one(state: State<Journal>, { word }: { word: string }): object {
    return { log: [...state.log, `${word}1`] };
  }
  two(state: State<Journal>, { serveResult }: UpdateProps<Journal, 'pair'>): object {
    return { log: [...state.log, `${serveResult}2`] };
  }
  all(state: State<Journal>): readonly string[] {
    return state.log;
  }
  tryHard(state: State<Journal>, { word, times = 99 }: { word: string; times?: number }): object {
    this.tries.push(word);
    if (this.tries.filter((tried) => tried === word).length <= times) throw new TypeError(`no ${word}`);
    return { log: [...state.log, word] };
  }
  fragile(state: State<Journal>, { word }: { word: string }): object {
    this.tries.push(word);
    if (this.broken.has(word)) throw new RangeError(`broke at ${word}`);
    return { log: [...state.log, word] };
  }
  made(_: unknown, { given }: Props<Journal, 'make'>): unknown {
    return given;
  }
  make(state: State<Journal>, { given }: Props<Journal, 'make'>): unknown {
    return this.patch(state, given);
  }
  async hold(
    state: State<Journal>,
    { word }: { word: string },
    context: FlowContext,
  ): Promise<readonly [number, number]> {
    this.note(word, context);
    const before = state.log.length;
    await this.gates.get(word);
    return [before, state.log.length];
  }
  afterHeld(state: State<Journal>, { word }: { word: string }): object {
    return { log: [...state.log, word] };
  }
  both(_: unknown, { word }: { word: string }, context: FlowContext): string {
    return `${context.componentName} ${context.instanceId} ${context.flow} ${word}`;
  }
  afterBoth(state: State<Journal>, { serveResult }: { serveResult: string }, context: UpdateContext): object {
    return { log: [...state.log, `${context.flow}: ${serveResult}`] };
  }
  passOn(_: unknown, props: Props<Journal, 'pass'>, context: FlowContext): string {
    if ('pass' in props) {
      context.pass('thrown away');
      context.pass(props.pass);
    }
    return 'served';
  }
  passed(state: State<Journal>, props: UpdateProps<Journal, 'pass'>): object {
    return { log: [...state.log, `${'passed' in props} ${String(props.passed)} ${props.serveResult}`] };
  }
  see(state: State<Journal>, { given }: Props<Journal, 'see'>): unknown {
    return this.sight(state, given);
  }

  private note(word: string, context: UpdateContext | FlowContext): void {
    this.tries.push(word);
    this.contexts.push(context);
    this.signals.push(context.signal as AbortSignal);
  }
  private enter(instance: string): void {
    this.running.set(instance, (this.running.get(instance) ?? 0) + 1);
    const counts = [...this.running.values()];
    this.mostOfOne = Math.max(this.mostOfOne, ...counts);
    this.mostInAll = Math.max(
      this.mostInAll,
      counts.reduce((sum, count) => sum + count, 0),
    );
  }
  private leave(instance: string): void {
    this.running.set(instance, (this.running.get(instance) ?? 0) - 1);
  }
}
decorate(Journal, {
  setup: InitState(),
  size: Serve('add'),
  keep: Update('add'),
  shout: Serve('pair'),
  one: Update('pair'),
  two: Update('pair'),
  all: Serve('look'),
  tryHard: Update('fail', { retry: { attempts: 3, backoffMs: 5 } }),
  fragile: Update('fragile', { retry: { attempts: 1 } }),
  made: Serve('make'),
  make: Update('make', { retry: { attempts: 1 } }),
  hold: Serve('held'),
  afterHeld: Update('held'),
  both: Serve(['either', 'or']),
  afterBoth: Update(['either', 'or']),
  passOn: Serve('pass'),
  passed: Update('pass'),
  see: Serve('see'),
});

/** A journal's handle, the Motion that it is of, and the object whose methods run there. */
export interface Opened {
  readonly motion: Motion;
  readonly journal: Instance<Journal>;
  readonly component: Journal;
}

/** How {@link openJournal} opens. */
export interface JournalOptions extends ProcessOptions {
  /** The instance's id; `a` by default. */
  readonly id?: string;
  /** Its object, if another process's is to be shared. */
  readonly component?: Journal;
}

/** Opens a journal as a process of its own. */
export async function openJournal(place: Place, options: JournalOptions = {}): Promise<Opened> {
  const { id = 'a', component = new Journal(), ...rest } = options;
  const motion = (await place.motion(rest)).register(Journal, () => component);
  return { motion, component, journal: await motion.instance(Journal, id) };
}
