import type { AnyComponent } from '../component/declare.js';
import type { FlowDefinition } from '../component/definition.js';
import type { FlowStream } from '../component/read.js';
import { MotionError } from '../errors.js';
import { type Appended, isPast, type Position } from '../queue/position.js';
import type { Settled } from '../queue/waiters.js';
import type { Committed } from '../state/committed.js';
import { type Call, encodeChanges, updateId, WRITE_STATE } from '../state/records.js';
import type { DeadLetter, Instance, RunOptions, SignalOptions } from './api.js';
import { checkOptions, checkSignal, noOptions } from './call-options.js';
import {
  assertApplied,
  describeDeadLetter,
  dropDeadLetter,
  findDeadLetter,
  listDeadLetters,
  redriveDeadLetter,
} from './dead-letters.js';
import { flowStream, type RunningStream } from './flow-stream.js';
import type { Host } from './host.js';
import { InFlight } from './in-flight.js';
import type { OpenedInstance } from './opened.js';
import { changesOf } from './patch.js';
import { encodePayload } from './payload.js';
import { checkProps, type FlowProps } from './props.js';
import { ReportedFailures } from './reported-failures.js';
import { ResultCache } from './result-cache.js';
import { type ServeCall, type Served, serveStream, serveWhole } from './serve.js';
import { mostKeys } from './update-runner.js';

/** A handle on an instance: what {@link Instance} promises, on top of what the process shares. */
export class InstanceHandle {
  readonly id: string;
  readonly componentName: string;
  private readonly host: Host;
  private readonly opened: OpenedInstance;
  private readonly inFlight: InFlight;
  private readonly cache: ResultCache | undefined;
  private readonly onClose: (handle: InstanceHandle) => void;
  /** Those that have begun. */
  private readonly streams: Set<RunningStream> = new Set();
  private closed = false;
  private readonly reported: ReportedFailures;

  constructor(host: Host, opened: OpenedInstance, onClose: (handle: InstanceHandle) => void) {
    const { definition } = opened.registered;
    this.id = opened.id;
    this.componentName = definition.name;
    this.host = host;
    this.opened = opened;
    this.onClose = onClose;
    this.inFlight = new InFlight();
    this.reported = new ReportedFailures(opened.root);
    const { store, codec, logger } = host.settings;
    const caches = [...definition.flows.values()].some(({ serve }) => serve?.cache);
    this.cache = caches
      ? new ResultCache(store, opened.partition, codec, definition.codeVersion, (message, cause) =>
          logger.warn(`${opened.what}: ${message}`, cause),
        )
      : undefined;
  }

  async run(flowName: string, given?: unknown, options: RunOptions = noOptions): Promise<unknown> {
    this.begin();
    try {
      const turn = this.host.settings.turns.due();
      if (turn) await turn;
      const flow = this.flow(flowName);
      const what = `flow '${flowName}' of ${this.opened.what}`;
      checkOptions(options, what);
      const checked = checkProps(flow, given, what);
      const props = checked instanceof Promise ? await checked : checked;
      let served: Served = NOTHING;
      if (flow.serve) {
        const { committed } = await this.opened.refresh();
        served = await this.answer(this.request(flow, props, committed, options, what), options);
      }
      if (flow.updates.length > 0) await this.queue(flow, props, served, options, what);
      return served.result;
    } finally {
      this.inFlight.end();
    }
  }

  stream(flowName: string, given?: unknown, options: RunOptions = noOptions): FlowStream<unknown, unknown> {
    const left = (): MotionError =>
      this.closed
        ? new MotionError('CLOSED', `the handle was closed before the stream of flow '${flowName}' came to its end`)
        : new MotionError(
            'ABORTED',
            `the stream of flow '${flowName}' was left before its end: nothing was cached or queued`,
          );
    return flowStream(this.chunks(flowName, given, options), this.streams, left);
  }

  async readState(...keys: [key?: string]): Promise<unknown> {
    return this.counted(async () => {
      const { committed } = await this.opened.refresh();
      const [key] = keys;
      if (key === undefined) return committed.state;
      return Object.hasOwn(committed.state, key) ? committed.state[key] : undefined;
    });
  }

  async writeState(patch: unknown, options: SignalOptions = noOptions): Promise<void> {
    return this.counted(async () => {
      const { env, codec } = this.host.settings;
      checkSignal(options, `writeState of ${this.opened.what}`);
      const changes = changesOf(patch, codec, `writeState of ${this.opened.what}`, mostKeys(this.host.settings));
      if (changes.size === 0) return;
      const call = {
        id: env.id(),
        flow: WRITE_STATE,
        updates: [WRITE_STATE],
        payload: encodeChanges(changes),
        at: env.now(),
      };
      await this.commit(call, options.signal);
    });
  }

  async version(): Promise<number> {
    return this.counted(async () => (await this.opened.refresh()).committed.root.version);
  }

  async flushUpdates(flowName?: string, options: SignalOptions = noOptions): Promise<void> {
    return this.counted(async () => {
      checkSignal(options, `flushUpdates of ${this.opened.what}`);
      if (flowName !== undefined) this.flow(flowName);
      const { queue, producer } = this.opened;
      const since = this.reported.since();
      await producer.settled();
      const { seq, committed } = await this.opened.refresh();
      const position = { seq, index: Infinity };
      const done = isPast(committed.root, position) && !options.signal?.aborted;
      const { root } = done ? committed : await this.wait(position, [], options.signal);
      await this.reported.assertNoneFailed(queue, since, { root, seq, flow: flowName });
    });
  }

  async deadLetters(): Promise<DeadLetter[]> {
    return this.counted(async () => {
      await this.opened.refresh();
      const { queue } = this.opened;
      return Promise.all((await listDeadLetters(queue)).map((letter) => describeDeadLetter(queue, letter)));
    });
  }

  async redrive(id: string): Promise<void> {
    return this.counted(async () => {
      const { queue, producer, root } = this.opened;
      await redriveDeadLetter(queue, producer, await findDeadLetter(queue, id), root.incarnation);
    });
  }

  async discardDeadLetter(id: string): Promise<void> {
    return this.counted(async () => {
      const { queue, root } = this.opened;
      await dropDeadLetter(queue, await findDeadLetter(queue, id), root.incarnation);
    });
  }

  async close(): Promise<void> {
    const first = !this.closed;
    this.closed = true;
    // Whoever takes their chunks may never come back for the next.
    for (const chunks of this.streams) void chunks.return(undefined).catch(() => undefined);
    await this.inFlight.settled();
    if (!first) return;
    this.onClose(this);
    this.host.release(this.opened);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private answer(request: ServeCall, options: RunOptions): Promise<Served> {
    return request.cacheKey === undefined ? serveWhole(request) : this.answerCached(request, options);
  }

  private async answerCached(request: ServeCall, options: RunOptions): Promise<Served> {
    const hit = await this.cached(request, options);
    if (hit) return hit;
    const served = await serveWhole(request);
    await this.keep(request, served);
    return served;
  }

  private async *chunks(flowName: string, given: unknown, options: RunOptions): RunningStream {
    this.begin();
    try {
      const flow = this.flow(flowName);
      const what = `flow '${flowName}' of ${this.opened.what}`;
      checkOptions(options, what);
      if (!flow.serve)
        throw new MotionError('UNKNOWN_FLOW', `${what} has no @Serve method, so it cannot be streamed; use run()`);
      const props = await checkProps(flow, given, what);
      const { committed } = await this.opened.refresh();
      const request = this.request(flow, props, committed, options, what);
      const hit = await this.cached(request, options);
      if (hit?.chunks) yield* hit.chunks;
      const served = hit ?? (yield* serveStream(request));
      if (!hit) await this.keep(request, served);
      if (flow.updates.length > 0) await this.queue(flow, props, served, options, what);
      return served;
    } finally {
      this.inFlight.end();
    }
  }

  /** A serve's call on a state. */
  private request(
    flow: FlowDefinition,
    props: FlowProps,
    committed: Committed,
    { ignoreCache, signal }: RunOptions,
    what: string,
  ): ServeCall {
    const { opened, cache } = this;
    const serve = flow.serve as NonNullable<typeof flow.serve>;
    const cacheKey = serve.cache && !ignoreCache ? cache?.key(flow, props, committed, what) : undefined;
    return { opened, flow, serve, state: committed.state, props, signal, what, cacheKey };
  }

  private async cached({ cacheKey }: ServeCall, { forceRefresh }: RunOptions): Promise<Served | undefined> {
    return cacheKey === undefined || forceRefresh ? undefined : this.cache?.get(cacheKey);
  }

  private async keep({ cacheKey, serve, what }: ServeCall, served: Served): Promise<void> {
    if (serve.cache && cacheKey !== undefined) await this.cache?.set(cacheKey, served, serve.cache.ttlMs, what);
  }

  /** Queues the flow's updates; waits for them too, if asked to. */
  private queue(
    flow: FlowDefinition,
    props: FlowProps,
    served: Served,
    options: RunOptions,
    what: string,
  ): Promise<unknown> {
    const { env, codec } = this.host.settings;
    const payload = encodePayload({ props, serveResult: served.result, passed: served.passed }, codec, what);
    const call = { id: env.id(), flow: flow.name, updates: flow.updates.map(nameOf), payload, at: env.now() };
    const { idempotencyKey, flushUpdates, signal } = options;
    if (flushUpdates && idempotencyKey === undefined) return this.commit(call, signal);
    const appended = this.opened.producer.append({ call, idempotencyKey });
    return flushUpdates ? appended.then((found) => this.committed(found, signal)) : appended;
  }

  /** Resolves when a call's updates are committed. */
  private async commit(call: Call, signal: AbortSignal | undefined): Promise<void> {
    // A caller who may give up while updates run is answered from the queue.
    const appended = await (signal ? this.opened.producer.append({ call }) : this.opened.submit(call));
    if (appended) await this.committed(appended, signal);
  }

  /** Waits until a call's updates are in the state. */
  private async committed({ call, updates, position }: Appended, signal: AbortSignal | undefined): Promise<void> {
    const ids: string[] = [];
    for (let n = 0; n < updates; n++) ids.push(updateId(call, n));
    const { outcomes } = await this.wait(position, ids, signal);
    assertApplied(this.opened.what, outcomes);
  }

  private wait(position: Position, ids: readonly string[], signal: AbortSignal | undefined): Promise<Settled> {
    if (this.host.ended) throw this.host.ended;
    return this.opened.waiters.wait(position, ids, signal);
  }

  private flow(name: string): FlowDefinition {
    const { flows } = this.opened.registered.definition;
    const flow = flows.get(name);
    if (flow) return flow;
    throw new MotionError(
      'UNKNOWN_FLOW',
      `${this.componentName} has no flow ${typeof name === 'string' ? `'${name}'` : String(name)}; it has ${[...flows.keys()].map((known) => `'${known}'`).join(', ') || 'none'}`,
    );
  }

  private begin(): void {
    if (this.closed)
      throw new MotionError('CLOSED', `the handle on ${this.opened.what} is closed; open the instance again`);
    this.inFlight.begin();
  }

  private async counted<T>(work: () => Promise<T>): Promise<T> {
    this.begin();
    try {
      const turn = this.host.settings.turns.due();
      if (turn) await turn;
      return await work();
    } finally {
      this.inFlight.end();
    }
  }
}

const NOTHING: Served = { result: undefined };

const nameOf = ({ name }: { readonly name: string }): string => name;

/** The handle, as its component's types describe it: they say more than a class without them can. */
export function typedHandle<C extends AnyComponent>(handle: InstanceHandle): Instance<C> {
  return handle as never;
}
