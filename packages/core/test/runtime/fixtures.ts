import {
  Component,
  type Env,
  InitState,
  Motion,
  type MotionOptions,
  type Props,
  Serve,
  type State,
  Update,
  type UpdateProps,
} from '@motion-ts/core';
import { MemoryStore } from '@motion-ts/memory';
import { onTestFinished } from 'vitest';

/** A log of all that happened, in the state: order, loss and repetition show in it. */
export class Journal extends Component<{
  params: { first?: string };
  state: { log: string[]; count: number; draft?: string };
  flows: {
    add: { props: { word: string }; result: number };
    twice: { props: { word: string }; result: string };
    fail: { props: { word: string; times?: number } };
    slow: { props: { ms: number } };
    look: { result: readonly string[] };
    big: { props: { size: number } };
    drop: {};
    bad: { props: { patch: unknown } };
  };
}> {
  /** What happened outside the state. */
  readonly tries: string[] = [];
  readonly gates: Map<string, Promise<void>> = new Map();

  @InitState() setup(params: { first?: string }) {
    return { log: params.first === undefined ? [] : [params.first], count: 0 };
  }
  @Serve('add') async sum(state: State<Journal>) {
    return state.log.length;
  }
  @Update('add') async keep(state: State<Journal>, props: UpdateProps<Journal, 'add'>) {
    await this.gates.get(props.word);
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
  @Update('slow') async wait(state: State<Journal>, props: UpdateProps<Journal, 'slow'>) {
    await new Promise((resolve) => setTimeout(resolve, props.ms));
    return { log: [...state.log, `slow ${props.ms}`] };
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
}

/** Nothing is said of failures that a test provokes. */
export const silent: Partial<MotionOptions> = {
  onError: () => undefined,
  logger: { debug: () => undefined, warn: () => undefined, error: () => undefined },
};

/** A Motion that ends with its test. */
export function motion(options: Partial<MotionOptions> = {}): Motion {
  const made = new Motion({ store: new MemoryStore(), ...silent, ...options });
  onTestFinished(() => made.close());
  return made;
}

export type { Env };
