import {
  Component,
  type FlowContext,
  InitState,
  Motion,
  type MotionOptions,
  type Props,
  Serve,
  type State,
  Update,
  type UpdateContext,
  type UpdateProps,
} from '@motion-ts/core';
import { MemoryStore } from '@motion-ts/memory';
import { onTestFinished } from 'vitest';
import { silent } from '../support/places.js';

export { silent };

/** What happens outside the state, and what tests hold up. By instance, for one object serves all of them. */
export interface Outside {
  readonly tries: string[];
  readonly gates: Map<string, Promise<void>>;
  readonly signals: AbortSignal[];
  readonly contexts: UpdateContext[];
}

/** A log of all that happened, in the state: order, loss and repetition show in it. */
export class Journal extends Component<{
  params: { first?: string };
  state: { log: string[]; count: number; draft?: string };
  flows: {
    add: { props: { word: string }; result: number };
    twice: { props: { word: string }; result: string };
    fail: { props: { word: string; times?: number } };
    fragile: { props: { word: string } };
    slow: { props: { ms: number; word?: string } };
    look: { result: readonly string[] };
    big: { props: { size: number } };
    bad: { props: { patch: unknown } };
    held: { props: { word: string }; result: string };
    either: { props: { word: string }; result: string };
    or: { props: { word: string }; result: string };
  };
}> {
  readonly tries: string[] = [];
  readonly gates: Map<string, Promise<void>> = new Map();
  readonly signals: AbortSignal[] = [];
  readonly contexts: UpdateContext[] = [];
  /** Words that `fragile` chokes on. */
  readonly broken: Set<string> = new Set();

  @InitState() setup(params: { first?: string }) {
    return { log: params.first === undefined ? [] : [params.first], count: 0 };
  }
  @Serve('add') async sum(state: State<Journal>) {
    return state.log.length;
  }
  @Update('add') async keep(state: State<Journal>, props: UpdateProps<Journal, 'add'>, context: UpdateContext) {
    this.signals.push(context.signal as AbortSignal);
    this.contexts.push(context);
    await this.gates.get(props.word);
    this.tries.push(props.word);
    return { log: [...state.log, props.word], count: state.count + 1 };
  }
  @Serve('twice') shout(_: State<Journal>, props: Props<Journal, 'twice'>) {
    return props.word.toUpperCase();
  }
  @Update('twice') one(state: State<Journal>, props: UpdateProps<Journal, 'twice'>) {
    return { log: [...state.log, `${props.word}1`] };
  }
  @Update('twice') two(state: State<Journal>, props: UpdateProps<Journal, 'twice'>) {
    return { log: [...state.log, `${props.serveResult}2`] };
  }
  @Update('fail', { retry: { attempts: 3, backoffMs: 5 } }) tryHard(
    state: State<Journal>,
    props: UpdateProps<Journal, 'fail'>,
  ) {
    this.tries.push(props.word);
    if (this.tries.filter((word) => word === props.word).length <= (props.times ?? 99))
      throw new TypeError(`no ${props.word}`);
    return { log: [...state.log, props.word] };
  }
  @Update('fragile', { retry: { attempts: 1 } }) fragile(
    state: State<Journal>,
    props: UpdateProps<Journal, 'fragile'>,
  ) {
    if (this.broken.has(props.word)) throw new RangeError(`broke at ${props.word}`);
    return { log: [...state.log, props.word] };
  }
  @Update('slow') async wait(state: State<Journal>, props: UpdateProps<Journal, 'slow'>) {
    await new Promise((resolve) => setTimeout(resolve, props.ms));
    return { log: [...state.log, props.word ?? `slow ${props.ms}`] };
  }
  @Serve('look') look(state: State<Journal>) {
    return state.log;
  }
  @Update('big') grow(_: State<Journal>, props: UpdateProps<Journal, 'big'>) {
    return { draft: 'x'.repeat(props.size) };
  }
  @Update('bad') bad(_: State<Journal>, props: UpdateProps<Journal, 'bad'>) {
    return props.patch as { count: number };
  }
  /** A serve that takes until its gate opens. */
  @Serve('held') async held(_: State<Journal>, props: Props<Journal, 'held'>, context: FlowContext) {
    this.signals.push(context.signal as AbortSignal);
    this.tries.push(`serve ${props.word}`);
    await this.gates.get(props.word);
    return props.word;
  }
  @Update('held') afterHeld(state: State<Journal>, props: UpdateProps<Journal, 'held'>) {
    return { log: [...state.log, props.word] };
  }
  /** One method for two flows. */
  @Serve(['either', 'or']) both(_: State<Journal>, props: { word: string }, context: FlowContext) {
    return `${context.flow} ${props.word}`;
  }
  @Update(['either', 'or']) logBoth(state: State<Journal>, props: { serveResult: string }, context: UpdateContext) {
    return { log: [...state.log, `${context.flow}: ${props.serveResult}`] };
  }
}

/** A journal whose outside a test can see. */
export function journalOf(): { component: Journal; factory: () => Journal } {
  const component = new Journal();
  return { component, factory: () => component };
}

/** A Motion that ends with its test. */
export function motion(options: Partial<MotionOptions> = {}): Motion {
  const made = new Motion({ store: new MemoryStore(), ...silent, ...options });
  onTestFinished(() => made.close());
  return made;
}
