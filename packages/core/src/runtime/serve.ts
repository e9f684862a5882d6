import type { FlowContext } from '../component/context.js';
import type { FlowDefinition, ServeDefinition } from '../component/definition.js';
import type { OpenedInstance } from './opened.js';
import type { FlowProps } from './props.js';
import { bounded } from './timeout.js';
import { isThenable, methodOf } from './update-runner.js';

/** What came of a serve. */
export interface Served {
  readonly result: unknown;
  /** Of a streaming flow: all of them. */
  readonly chunks?: readonly unknown[];
  /** What the method gave to `ctx.pass`. */
  readonly passed?: unknown;
}

/** The one call of a serve's method. */
export interface ServeCall {
  readonly opened: OpenedInstance;
  readonly flow: FlowDefinition;
  readonly serve: ServeDefinition;
  readonly state: Readonly<Record<string, unknown>>;
  readonly props: FlowProps;
  readonly signal: AbortSignal | undefined;
  readonly what: string;
  /** Where its result is cached, if it is. */
  readonly cacheKey: string | undefined;
}

type Stream = AsyncIterator<unknown, unknown> | Iterator<unknown, unknown>;

class ServeContext implements FlowContext {
  readonly instanceId: string;
  readonly componentName: string;
  readonly flow: string;
  passed: unknown;
  private given: AbortSignal | undefined;

  constructor({ opened, flow }: ServeCall, signal: AbortSignal | undefined) {
    this.instanceId = opened.id;
    this.componentName = opened.registered.definition.name;
    this.flow = flow.name;
    this.given = signal;
  }

  /** One that never comes is made for who asks for it: shared, it would gather the listeners of all calls. */
  get signal(): AbortSignal {
    this.given ??= new AbortController().signal;
    return this.given;
  }

  readonly pass = (value: unknown): void => {
    this.passed = value;
  };
}

function call({ opened, serve, state, props }: ServeCall, context: ServeContext): unknown {
  return methodOf(opened.registered, serve.method).call(opened.registered.component, state, props, context);
}

/** A generator, and not a value that happens to be iterable. */
function isStream(value: unknown): value is Stream {
  return typeof value === 'object' && value !== null && typeof (value as { next?: unknown }).next === 'function';
}

/** Runs a serve to its end. What the method throws comes as it is. */
export function serveWhole(request: ServeCall): Promise<Served> {
  const { opened, serve, signal, what } = request;
  if (serve.timeoutMs === undefined && signal === undefined)
    return whole(request, new ServeContext(request, undefined));
  const bounds = { env: opened.queue.env, timeoutMs: serve.timeoutMs, signal, what };
  return bounded(bounds, (inner) => whole(request, new ServeContext(request, inner)));
}

async function whole(request: ServeCall, context: ServeContext): Promise<Served> {
  const returned = call(request, context);
  const value = isThenable(returned) ? await returned : returned;
  if (!isStream(value)) return { result: value, passed: context.passed };
  const chunks: unknown[] = [];
  let step = await value.next();
  for (; !step.done && !context.signal.aborted; step = await value.next()) chunks.push(step.value);
  if (!step.done) await value.return?.(undefined);
  return { result: resultOf(step.value, chunks), chunks, passed: context.passed };
}

/** Runs a serve chunk by chunk, as fast as they are taken. Left early, the method's generator is closed. */
export async function* serveStream(request: ServeCall): AsyncGenerator<unknown, Served> {
  const { opened, serve, signal, what } = request;
  const timeoutMs = serve.timeoutMs;
  const deadline = timeoutMs === undefined ? undefined : opened.queue.env.mono() + timeoutMs;
  const controller = new AbortController();
  const context = new ServeContext(request, controller.signal);
  const bound = <T>(work: () => T | Promise<T>): Promise<T> => {
    const left = deadline === undefined ? undefined : Math.max(1, deadline - opened.queue.env.mono());
    return bounded({ env: opened.queue.env, timeoutMs: left, signal, what }, work).catch((error) => {
      controller.abort(error);
      throw error;
    });
  };
  const value = await bound(() => call(request, context) as Promise<unknown>);
  if (!isStream(value)) return { result: value, passed: context.passed };
  const chunks: unknown[] = [];
  let ended = false;
  try {
    for (;;) {
      const step = await bound(() => value.next() as Promise<IteratorResult<unknown, unknown>>);
      if (step.done) {
        ended = true;
        return { result: resultOf(step.value, chunks), chunks, passed: context.passed };
      }
      chunks.push(step.value);
      yield step.value;
    }
  } finally {
    if (!ended) {
      if (!controller.signal.aborted) controller.abort(new Error('the stream was left early'));
      // Not waited for: a method that hangs must not keep its caller.
      void Promise.resolve(value.return?.(undefined)).catch(() => undefined);
    }
  }
}

/** A streaming flow that returns nothing of its own results in its chunks. */
function resultOf(returned: unknown, chunks: readonly unknown[]): unknown {
  return returned === undefined ? chunks : returned;
}
