// biome-ignore-all lint/suspicious/noExplicitAny: conditional types over any component need it; `unknown` would not match
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { CheckInit, CheckServe, CheckUpdate, KeyOf } from './checks.js';
import { record } from './metadata.js';
import type { ServeOptions, UpdateOptions } from './options.js';

/** One flow, or several. */
export type FlowNames = string | readonly [string, ...string[]];

/*
 * One signature serves both call conventions, so that the compiler's messages stay short:
 *   standard                 (method,    context)
 *   experimentalDecorators   (prototype, name, descriptor)
 * `At` is the context or the name. The check stands where the error should: in the place of the method, or the name.
 */

type Context = ClassMethodDecoratorContext<any, any>;
type At = Context | string | symbol;
type NameOf<A> = A extends { readonly name: infer N } ? N : A;
/** Standard: the first argument is the method, which must pass; else it is the prototype, `T`. */
type Target<A, T, Check> = A extends Context ? Check : T;
/** Legacy: the name, which must pass; else it is the context. */
type Place<A, Check> = A extends Context ? A : A & Check;
type ThisOf<A, T> = A extends ClassMethodDecoratorContext<infer This, any> ? This : T;
type MethodOf<A, M> = A extends ClassMethodDecoratorContext<any, infer V> ? V : M;

/** What {@link InitState} gives. */
export type InitStateDecorator = <T, const A extends At, M>(
  target: Target<A, T, CheckInit<ThisOf<A, T>, MethodOf<A, M>, MethodOf<A, M>>>,
  at: Place<A, CheckInit<T, M, unknown>>,
  descriptor?: TypedPropertyDescriptor<M>,
) => void;

/** What {@link Serve} gives. */
export type ServeDecorator<K extends FlowNames | undefined, Schema = undefined> = <T, const A extends At, M>(
  target: Target<A, T, CheckServe<ThisOf<A, T>, KeyOf<K, NameOf<A>>, MethodOf<A, M>, Schema, MethodOf<A, M>>>,
  at: Place<A, CheckServe<T, KeyOf<K, NameOf<A>>, M, Schema, unknown>>,
  descriptor?: TypedPropertyDescriptor<M>,
) => void;

/** What {@link Update} gives. */
export type UpdateDecorator<K extends FlowNames | undefined, Schema = undefined> = <T, const A extends At, M>(
  target: Target<A, T, CheckUpdate<ThisOf<A, T>, KeyOf<K, NameOf<A>>, MethodOf<A, M>, Schema, MethodOf<A, M>>>,
  at: Place<A, CheckUpdate<T, KeyOf<K, NameOf<A>>, M, Schema, unknown>>,
  descriptor?: TypedPropertyDescriptor<M>,
) => void;

/**
 * Marks the method that makes the first state: `(params) => state`, sync or async. It runs once in an instance's life,
 * also when many processes open the instance at the same moment. At most one per class.
 *
 * @example
 * @InitState() setup(params: InitParams<Rec>) { return { likedBooks: params.likedBooks, seen: [] }; }
 */
export function InitState(): InitStateDecorator {
  return (...args: readonly unknown[]) => record({ kind: 'init', flows: undefined, options: undefined }, args);
}

/**
 * Marks the method that answers a flow: `(state, props, ctx) => result`. It may be sync, async, a generator or an async
 * generator; of a flow with chunks it is a generator. At most one per flow.
 *
 * Generic components, whose types are not known yet, leave the method unchecked with `@Serve<any>('key')` (with a
 * schema: `@Serve<any, any>('key', { props })`).
 *
 * @param flow the flow, or several, each of which the method is checked against; left out, the method's name.
 *   1 to 200 characters
 * @param options see {@link ServeOptions}
 * @example
 * @Serve('rec', { cache: { ttlMs: 3_600_000 } })
 * async recommend(state: State<Rec>, props: Props<Rec, 'rec'>, ctx: FlowContext) { return this.llm.ask(props.genre); }
 */
export function Serve<
  const K extends FlowNames | undefined = undefined,
  Schema extends StandardSchemaV1 | undefined = undefined,
>(flow?: K, options?: ServeOptions<Schema>): ServeDecorator<K, Schema> {
  return (...args: readonly unknown[]) => record({ kind: 'serve', flows: flow, options }, args);
}

/**
 * Marks a method that changes the state after a flow was answered: `(state, props, ctx) => patch`, sync or async. The
 * patch holds the changed keys only; nothing changes nothing. A flow may have any number of updates: they run in the
 * order of their declaration, in the background, one at a time per instance.
 *
 * @param flow the flow, or several, each of which the method is checked against; left out, the method's name.
 *   1 to 200 characters
 * @param options see {@link UpdateOptions}
 * @example
 * @Update('rec', { retry: { attempts: 5 }, discard: { afterUpdates: 10 } })
 * async learn(state: State<Rec>, props: UpdateProps<Rec, 'rec'>, ctx: UpdateContext) {
 *   return { seen: [...state.seen, props.serveResult] };
 * }
 */
export function Update<
  const K extends FlowNames | undefined = undefined,
  Schema extends StandardSchemaV1 | undefined = undefined,
>(flow?: K, options?: UpdateOptions<Schema>): UpdateDecorator<K, Schema> {
  return (...args: readonly unknown[]) => record({ kind: 'update', flows: flow, options }, args);
}
