// Keeps `Symbol.asyncDispose` known to consumers whose `lib` does not name it.
/// <reference lib="esnext.disposable" preserve="true" />

/** What callers see of the runtime: types only, so that a client elsewhere can have the same. */

import type { AnyComponent } from '../component/declare.js';
import type {
  CallArgs,
  Chunk,
  FlowKey,
  FlowStream,
  InitParams,
  Result,
  State,
  StatePatch,
  StreamKey,
} from '../component/read.js';
import type { Signal } from '../signal.js';

/** Options of {@link Instance.run}. All are off by default. */
export interface RunOptions {
  /**
   * Wait until the call's updates are in the state, not only queued. The call rejects with `UPDATE_FAILED` or
   * `UPDATE_DISCARDED` if one of them does not get there.
   */
  flushUpdates?: boolean;
  /** Do not use a cached result, but cache the new one. */
  forceRefresh?: boolean;
  /** Neither use nor write the cache. */
  ignoreCache?: boolean;
  /** Calls with the same key queue their updates once. 1 to 200 characters. */
  idempotencyKey?: string;
  /** Gives the call up: it rejects with `ABORTED`, and `ctx.signal` is aborted. */
  signal?: Signal;
}

/** Options of {@link Instance.stream}. */
export interface StreamOptions extends RunOptions {}

/** Options of calls that can only be given up. */
export interface SignalOptions {
  /** Gives the call up: it rejects with `ABORTED`. What was queued stays queued. */
  signal?: Signal;
}

/** What follows the flow in {@link Instance.run}: `[props, options?]`, or `[props?, options?]` if none must be there. */
export type RunArgs<C, K extends FlowKey<C>> = CallArgs<C, K, RunOptions>;

/** What follows the flow in {@link Instance.stream}. */
export type StreamArgs<C, K extends FlowKey<C>> = CallArgs<C, K, StreamOptions>;

/** An update all of whose tries failed. */
export interface DeadLetter {
  /** The update's id, for `redrive` and `discardDeadLetter`. */
  readonly id: string;
  readonly flow: string;
  /** The update's stored name. */
  readonly update: string;
  /** The last try's error, as far as it could be stored. */
  readonly error: { readonly name: string; readonly message: string; readonly stack?: string; readonly code?: string };
  /** How often it was tried. */
  readonly tries: number;
  readonly queuedAt: Date;
  readonly diedAt: Date;
  /** What the update was to get, `serveResult` and `passed` included. */
  readonly props: unknown;
}

declare const component: unique symbol;

/**
 * One instance of a component: a handle on its state, its updates and its methods. Cheap; the state is in the store.
 *
 * @typeParam C the component's class type
 * @example
 * await using rec = await motion.instance(BookRecommender, 'user-1', { init: { likedBooks: ['Emma'] } });
 * const title = await rec.run('rec', { genre: 'fantasy' });
 */
export interface Instance<C extends AnyComponent = AnyComponent> {
  /** Types only: an instance of a subclass is one of its base, not the other way round. */
  readonly [component]?: C;
  /** The instance's id. */
  readonly id: string;
  /** The component's name in the store. */
  readonly componentName: string;

  /**
   * Serves a flow. Resolves once the flow's updates are durably queued; they run in the background.
   *
   * @returns the serve's result; of a streaming flow that declares none, all chunks
   * @throws MotionError `UNKNOWN_FLOW`, `INVALID_OPTIONS`, `INVALID_PROPS`, `NOT_SERIALIZABLE`, `TIMEOUT`, `ABORTED`,
   *   `INSTANCE_GONE`, `CLOSED`; with `flushUpdates` also `UPDATE_FAILED`, `UPDATE_DISCARDED`. What the method throws comes as it is
   */
  run<K extends FlowKey<C>>(flow: K, ...args: RunArgs<C, K>): Promise<Result<C, K>>;

  /**
   * Serves a streaming flow chunk by chunk. Left early, the generator is closed, and nothing is cached or queued.
   *
   * @returns the chunks, to iterate once, with `.result`. It rejects, and the iteration throws, as {@link run} does
   */
  stream<K extends StreamKey<C>>(flow: K, ...args: StreamArgs<C, K>): FlowStream<Chunk<C, K>, Result<C, K>>;

  /** The state as last committed, deeply frozen. */
  readState(): Promise<State<C>>;
  /** One key of it. */
  readState<K extends keyof State<C>>(key: K): Promise<State<C>[K]>;

  /**
   * Changes the state, in its turn among the queued updates. Resolves when it is committed.
   *
   * @param patch the keys to replace; `remove` deletes one, `undefined` leaves it
   * @throws MotionError `INVALID_OPTIONS`, `INVALID_PATCH`, `NOT_SERIALIZABLE`, `ABORTED`, `INSTANCE_GONE`, `CLOSED`
   */
  writeState(patch: StatePatch<C>, options?: SignalOptions): Promise<void>;

  /** How often the state was committed: 1 after `@InitState`. */
  version(): Promise<number>;

  /**
   * Waits until all updates that are queued by now are done.
   *
   * @param flow only those of this flow
   * @throws MotionError `UPDATE_FAILED`, with `errors`; a discarded update is no failure. `INVALID_OPTIONS`, `ABORTED`
   */
  flushUpdates(flow?: FlowKey<C>, options?: SignalOptions): Promise<void>;

  /** The updates all of whose tries failed, the oldest first. */
  deadLetters(): Promise<DeadLetter[]>;

  /**
   * Queues a dead letter again, behind what waits.
   *
   * @param id see {@link DeadLetter.id}
   * @throws MotionError `NO_DEAD_LETTER`
   */
  redrive(id: string): Promise<void>;

  /**
   * Drops a dead letter for good.
   *
   * @param id see {@link DeadLetter.id}
   * @throws MotionError `NO_DEAD_LETTER`
   */
  discardDeadLetter(id: string): Promise<void>;

  /** Ends what this handle does. The state and what is queued stay in the store. */
  close(): Promise<void>;
  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What can be seen of an instance from outside, without opening it. */
export interface Inspection<C extends AnyComponent = AnyComponent> {
  readonly id: string;
  readonly state: State<C>;
  /** How often the state was committed. */
  readonly version: number;
  /** How many updates wait. */
  readonly queued: number;
  /** How many updates failed for good. */
  readonly deadLetters: number;
  /** Who runs the instance's updates, if anyone. */
  readonly lease: { readonly holder: string; readonly epoch: number } | null;
  /** Milliseconds until the next update may run, 0 if it may now; null if none waits. */
  readonly dueInMs: number | null;
}

/** `init` must be there when the component's params have a key that must, unless the instance must exist already. */
export type InstanceOptions<C> =
  Record<never, never> extends InitParams<C>
    ? InstanceOptionsOf<InitParams<C>>
    :
        | (InstanceOptionsOf<InitParams<C>> & { init: InitParams<C> })
        | (InstanceOptionsOf<InitParams<C>> & { existing: true });

interface InstanceOptionsOf<Params> {
  /** What the `@InitState` method gets, if the instance does not exist yet. */
  init?: Params;
  /** Only open what exists: never create. Default: false. */
  existing?: boolean;
}

/** What follows the class in `motion.instance(Class, id?, options?)`. */
export type InstanceArgs<C> =
  Record<never, never> extends InitParams<C>
    ? [id?: string | undefined, options?: InstanceOptions<C>]
    : [id: string | undefined, options: InstanceOptions<C>];
