import {
  Component,
  type FlowContext,
  InitState,
  type Props,
  Serve,
  type State,
  Update,
  type UpdateContext,
  type UpdateProps,
} from '@motion-ts/core';
import { z } from 'zod';

const visit = z.object({
  who: z.string().min(2),
  at: z.object({ x: z.number() }),
  times: z.coerce.number().default(1),
});
const slowly = z.object({ n: z.number() }).refine(async ({ n }) => n > 0, { message: 'too small', path: ['n'] });

/** What the methods of a component may be and do. */
export class Lab extends Component<{
  state: {
    log: string[];
    extra?: { list: number[]; map: Map<string, number>; set: Set<string>; date: Date; nested: { deep: { n: number } } };
    bytes?: Uint8Array;
    gone?: string | null;
  };
  flows: {
    words: { props: { text: string; fail?: number; hang?: boolean }; chunk: string; result: number };
    bare: { props: { text: string }; chunk: string };
    later: { props: { text: string }; chunk: string };
    sync: { props: { text: string }; chunk: string };
    cached: { props: { of: unknown }; result: { n: number; of: unknown }; passed: { n: number } };
    lasting: { props: { of: unknown }; result: number };
    cachedWords: { props: { text: string }; chunk: string };
    cachedOnly: { props: { of: unknown }; result: number };
    uncachable: { result: () => number };
    passing: { props: { pass?: unknown }; result: string; passed?: object };
    visit: { props: { who: string; at: { x: number }; times?: number | string }; result: number };
    slowly: { props: { n: number } };
    quick: { props: { ms: number; heed?: boolean }; result: string };
    brief: { props: { ms: number; times?: number } };
    mutate: { props: { how: string } };
    see: { props: { how: string }; result: string };
    write: { props: { patch: unknown } };
    unique: { result: symbol };
    young: { props: { word: string } };
    latest: { props: { word: string } };
    retried: { props: { word: string } };
    note: { props: { word: string } };
  };
}> {
  static codeVersion = '1';
  calls = 0;
  readonly events: string[] = [];
  readonly contexts: UpdateContext[] = [];
  readonly times: number[] = [];
  how: Record<string, (state: never) => unknown> = {};
  gate: Promise<void> | undefined;

  @InitState() setup() {
    return {
      log: [],
      extra: {
        list: [2, 1],
        map: new Map([['a', 1]]),
        set: new Set(['a']),
        date: new Date(0),
        nested: { deep: { n: 1 } },
      },
      bytes: new Uint8Array([1, 2, 3]),
    };
  }

  @Serve('words') async *words(_: State<Lab>, props: Props<Lab, 'words'>, context: FlowContext) {
    try {
      let n = 0;
      for (const word of props.text.split(' ')) {
        if (n === props.fail) throw new RangeError(`failed at ${n}`);
        if (props.hang && n === 1) await new Promise(() => undefined);
        n++;
        yield word;
      }
      this.events.push('end');
      return n;
    } finally {
      this.events.push(`closed${context.signal.aborted ? ', aborted' : ''}`);
    }
  }
  @Update('words') said(state: State<Lab>, props: UpdateProps<Lab, 'words'>) {
    return { log: [...state.log, `${props.text}: ${props.serveResult}`] };
  }
  @Serve('bare') *bare(_: State<Lab>, props: Props<Lab, 'bare'>) {
    yield* props.text.split(' ');
  }
  @Update('bare') bared(state: State<Lab>, props: UpdateProps<Lab, 'bare'>) {
    return { log: [...state.log, props.serveResult.join('+')] };
  }
  /** A generator that comes in a promise, which the types do not know. */
  @Serve('later') later(_: State<Lab>, props: Props<Lab, 'later'>): Generator<string, void> {
    return Promise.resolve(this.gate).then(() => this.bare(_, props)) as never;
  }
  /** No generator method, but what gives one. */
  @Serve('sync') sync(_: State<Lab>, props: Props<Lab, 'sync'>): Generator<string, void> {
    return props.text.split(' ').values() as never;
  }
  @Serve('cached', { cache: { ttlMs: 300 } })
  cached(_: State<Lab>, props: Props<Lab, 'cached'>, context: FlowContext<Lab, 'cached'>) {
    const n = ++this.calls;
    context.pass({ n });
    return { n, of: props.of };
  }
  @Update('cached') count(state: State<Lab>, props: UpdateProps<Lab, 'cached'>) {
    return { log: [...state.log, `${props.serveResult.n} ${props.passed.n}`] };
  }
  @Serve('lasting', { cache: { ttlMs: 60_000, scope: 'any-version' } }) lasting() {
    return ++this.calls;
  }
  @Serve('cachedWords', { cache: { ttlMs: 60_000, scope: 'any-version' } })
  async *cachedWords(_: State<Lab>, props: Props<Lab, 'cachedWords'>) {
    this.calls++;
    yield* props.text.split(' ');
  }
  @Update('cachedWords') heard(state: State<Lab>, props: UpdateProps<Lab, 'cachedWords'>) {
    return { log: [...state.log, props.serveResult.join('+')] };
  }
  @Serve('cachedOnly', { cache: { ttlMs: 60_000 } }) cachedOnly() {
    return ++this.calls;
  }
  @Serve('uncachable', { cache: { ttlMs: 1_000 } }) uncachable() {
    return () => 1;
  }
  @Serve('passing') passing(_: State<Lab>, props: Props<Lab, 'passing'>, context: FlowContext) {
    if ('pass' in props) {
      context.pass('thrown away');
      context.pass(props.pass);
    }
    return 'served';
  }
  @Update('passing') passed(state: State<Lab>, props: UpdateProps<Lab, 'passing'>) {
    return { log: [...state.log, `${'passed' in props} ${String(props.passed)} ${props.serveResult}`] };
  }
  @Serve('visit', { props: visit }) visit(_: State<Lab>, props: Props<Lab, 'visit'>) {
    return props.times as number;
  }
  @Update('visit') visited(state: State<Lab>, props: UpdateProps<Lab, 'visit'>) {
    return { log: [...state.log, `${props.who} ${typeof props.times}`] };
  }
  @Update('slowly', { props: slowly }) slowly(state: State<Lab>) {
    return { log: [...state.log, 'slowly'] };
  }
  @Serve('quick', { timeoutMs: 50 })
  async quick(_: State<Lab>, props: Props<Lab, 'quick'>, context: FlowContext) {
    context.signal.addEventListener('abort', () => this.events.push('told'));
    await new Promise((resolve) => setTimeout(resolve, props.ms));
    this.events.push('over');
    return 'served';
  }
  @Update('quick') quickly(state: State<Lab>) {
    return { log: [...state.log, 'quick'] };
  }
  @Update('brief', { timeoutMs: 40, retry: { attempts: 2, backoffMs: 1 } })
  async brief(state: State<Lab>, props: UpdateProps<Lab, 'brief'>, context: UpdateContext) {
    this.contexts.push(context);
    if (context.attempt <= (props.times ?? 99)) await new Promise((resolve) => setTimeout(resolve, props.ms));
    return { log: [...state.log, `brief ${context.attempt}`] };
  }
  @Update('mutate', { retry: { attempts: 1 } }) mutate(state: State<Lab>, props: UpdateProps<Lab, 'mutate'>) {
    this.how[props.how]?.(state as never);
  }
  @Serve('see') see(state: State<Lab>, props: Props<Lab, 'see'>) {
    return String(this.how[props.how]?.(state as never));
  }
  @Update('write') write(_: State<Lab>, props: UpdateProps<Lab, 'write'>) {
    return this.how['patch']?.(props as never) as { log: string[] };
  }
  @Serve('unique') unique() {
    return Symbol('x');
  }
  @Update('unique') uniquely() {
    return { log: [] };
  }
  @Update('young', { discard: { afterMs: 60 } }) async young(state: State<Lab>, props: UpdateProps<Lab, 'young'>) {
    return { log: [...state.log, props.word] };
  }
  @Update('latest', { discard: { afterUpdates: 3 } }) latest(state: State<Lab>, props: UpdateProps<Lab, 'latest'>) {
    return { log: [...state.log, props.word] };
  }
  @Update('retried', { retry: { attempts: 4, backoffMs: 40, maxBackoffMs: 100 } })
  retried(_: State<Lab>, __: UpdateProps<Lab, 'retried'>, context: UpdateContext): void {
    this.times.push(performance.now());
    this.contexts.push(context);
    throw new Error('never');
  }
  @Update('note') async note(state: State<Lab>, props: UpdateProps<Lab, 'note'>) {
    await this.gate;
    return { log: [...state.log, props.word] };
  }
}
