// biome-ignore-all lint/suspicious/noExplicitAny: conditional types over any component need it; `unknown` would not match
// biome-ignore-all lint/suspicious/noConfusingVoidType: these types tell methods that return nothing
/** Reads the declared types back. `C` is a component's class type, or the declaration itself. */

import type { AnyComponent, LooseTypes, ValidTypes } from './declare.js';
import type { Remove } from './remove.js';

/** `any extends never` is both branches at once. (`0 extends 1 & T` is reduced too early when T extends string.) */
export type IsAny<T> = boolean extends (T extends never ? true : false) ? true : false;
type TypesOf<C> = C extends { readonly '~types': infer T } ? (IsAny<T> extends true ? LooseTypes : T) : C;

// What is not declared is not checked: any.
export type StateOf<C> = TypesOf<C> extends { state: infer S } ? S : any;
export type FlowsOf<C> = TypesOf<C> extends { flows: infer F } ? F : LooseTypes['flows'];
export type PropsOf<F> = F extends { props: infer P } ? P : Record<never, never>;
export type ChunkOf<F> = F extends { chunk: infer X } ? X : never;
export type ResultOf<F> = F extends { result: infer R } ? R : F extends { chunk: infer X } ? X[] : void;
/** `{ passed }` as the flow declares it, optional or not; `{}` without. */
type PassedMember<F> = F extends unknown ? Readonly<Pick<F, keyof F & 'passed'>> : never;

/** The flows of a component: what `run('...')` completes. */
export type FlowKey<C> = Extract<keyof FlowsOf<C>, string>;

/** The flows of a component that have chunks: what `stream('...')` completes. */
export type StreamKey<C> = Extract<
  { [K in FlowKey<C>]: 'chunk' extends keyof FlowsOf<C>[K] ? K : never }[FlowKey<C>],
  string
>;

// No global that only DOM or @types/node declare: where it is missing, it would silently make all of this `any`.
type Atomic =
  | string
  | number
  | boolean
  | bigint
  | symbol
  | null
  | undefined
  | void
  | ((...args: any) => any)
  | Date
  | RegExp
  | Error
  | ArrayBuffer
  | ArrayBufferView;

/** `T`, read-only down to the last member. Maps and sets lose their writing methods. */
export type DeepReadonly<T> = T extends Atomic
  ? T
  : T extends ReadonlyMap<infer K, infer V>
    ? ReadonlyMap<DeepReadonly<K>, DeepReadonly<V>>
    : T extends ReadonlySet<infer V>
      ? ReadonlySet<DeepReadonly<V>>
      : T extends object
        ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
        : T;

/** The state as `@Serve` and `@Update` methods see it: deeply read-only. At run time it is frozen. */
export type State<C> = DeepReadonly<StateOf<C>>;

/**
 * What `@Update` methods may return and `writeState` takes: the keys to replace. A key that is `undefined` stays as it
 * was; a key that is optional in the state is deleted by {@link remove}.
 */
export type StatePatch<C> = {
  readonly [K in keyof StateOf<C>]?:
    | DeepReadonly<StateOf<C>[K]>
    | (Record<never, never> extends Pick<StateOf<C>, K> ? Remove : never)
    | undefined;
};

/** The argument of the `@InitState` method. */
export type InitParams<C> = TypesOf<C> extends { params: infer P } ? P : any;

/** The props of a flow, as callers give them. */
export type Props<C, K extends FlowKey<C>> = PropsOf<FlowsOf<C>[K]>;

/** The result of a flow. */
export type Result<C, K extends FlowKey<C>> = ResultOf<FlowsOf<C>[K]>;

/** A chunk of a streaming flow. */
export type Chunk<C, K extends FlowKey<C>> = ChunkOf<FlowsOf<C>[K]>;

/** What an update gets besides the flow's props. */
export type AddedProps<F> = { readonly serveResult: ResultOf<F> } & PassedMember<F>;

/** The props of an `@Update` method: the flow's own, `serveResult`, and `passed` if the flow declares it. */
export type UpdateProps<C, K extends FlowKey<C>> = Props<C, K> & AddedProps<FlowsOf<C>[K]>;

/**
 * The types of a subclass that adds flows, state or params.
 *
 * @example
 * class Sub extends Base {
 *   declare readonly '~types': Extend<Base, { flows: { top: { props: { n: number }; result: string[] } } }>;
 * }
 */
export type Extend<C extends AnyComponent, T extends ValidTypes<T>> = {
  [K in keyof TypesOf<C> | keyof T]: (K extends keyof TypesOf<C> ? TypesOf<C>[K] : unknown) &
    (K extends keyof T ? T[K] : unknown);
};

/**
 * The arguments that follow a flow's name in a call. Props may be left out when none must be there.
 */
export type CallArgs<C, K extends FlowKey<C>, Options> = FlowsOf<C>[K] extends { props: infer P }
  ? Record<never, never> extends P
    ? [props?: P, options?: Options]
    : [props: P, options?: Options]
  : [props?: { readonly [key: string]: never }, options?: Options];

/**
 * A running streaming flow: its chunks to iterate, once, and its result when it is done.
 *
 * @example
 * const words = rec.stream('chat', { question: 'Why?' });
 * for await (const word of words) process.stdout.write(word);
 * console.log(await words.result);
 */
export interface FlowStream<Chunk, Result> extends AsyncIterable<Chunk> {
  /**
   * What the `@Serve` method returned. It settles when the iteration ends: iterate before you await it, or call `run`,
   * which needs no iteration.
   */
  readonly result: Promise<Result>;
}
