// biome-ignore-all lint/suspicious/noExplicitAny: conditional types over any component need it; `unknown` would not match
// biome-ignore-all lint/suspicious/noConfusingVoidType: these types tell methods that return nothing
/** What the decorators check. Every check gives `Ok`, or a {@link DecoratorError} that no method can be. */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { FlowContext, UpdateContext } from './context.js';
import type { AnyComponent } from './declare.js';
import type {
  AddedProps,
  ChunkOf,
  FlowKey,
  FlowsOf,
  InitParams,
  IsAny,
  Props,
  ResultOf,
  State,
  StateOf,
  StatePatch,
} from './read.js';

/** Shown by the compiler in the place of a method that does not fit. No value has this type. */
export interface DecoratorError<Message extends string, Expected = unknown, Received = unknown> {
  readonly '~error': [Message, Expected, Received];
}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type IsLoose<C> = IsAny<StateOf<C>>;
type MutableKeys<T> =
  IsAny<T> extends true
    ? never
    : T extends object
      ? { [K in keyof T]-?: Same<{ [P in K]: T[P] }, { readonly [P in K]: T[P] }> extends true ? never : K }[keyof T]
      : never;
/** Keys of an object, of every member of a union; nothing for `undefined`. An index signature has numbers, too: as text. */
type KeysOfUnion<T> = T extends object ? Spelled<keyof T> : never;
type Spelled<K> = K extends number ? `${K}` : K;

/** The first error, or `Otherwise`. */
type First<Errors extends unknown[], Otherwise> = Errors extends [infer E, ...infer Rest]
  ? [E] extends [never]
    ? First<Rest, Otherwise>
    : E
  : Otherwise;

/** The flows of a decorator, as a union: as given, or the name of the method. */
export type KeyOf<K, Name> =
  IsAny<K> extends true
    ? any
    : K extends readonly (infer Each extends string)[]
      ? Each
      : K extends string
        ? K
        : Name extends string
          ? Name
          : string;

type StateError<Decorator extends string, C, A> = [State<C>] extends [A]
  ? IsLoose<C> extends true
    ? never
    : [MutableKeys<A>] extends [never]
      ? never
      : DecoratorError<`${Decorator}: the state is read-only here; write State<YourComponent>`, State<C>, A>
  : DecoratorError<`${Decorator}: the first parameter must accept the component's state`, State<C>, A>;

type PropsError<Decorator extends string, Given, B> = [Given] extends [B]
  ? never
  : DecoratorError<`${Decorator}: the second parameter must accept these props`, Given, B>;

type ContextError<Decorator extends string, Given, D> = [Given] extends [D]
  ? never
  : DecoratorError<`${Decorator}: the third parameter must accept this context`, Given, D>;

/** Props as the methods get them: after the schema, when the decorator names one. */
type Parsed<C, K extends FlowKey<C>, Schema> = Schema extends StandardSchemaV1<any, infer Out> ? Out : Props<C, K>;

type SchemaError<Decorator extends string, C, K extends FlowKey<C>, Schema> =
  Schema extends StandardSchemaV1<infer In, any>
    ? [Props<C, K>] extends [In]
      ? never
      : DecoratorError<`${Decorator}: the props schema does not accept the flow's props`, Props<C, K>, In>
    : never;

type ServeReturnError<Decorator extends string, F, R> = 'chunk' extends keyof F
  ? true extends IsAny<ChunkOf<F>> | IsAny<R>
    ? never
    : R extends AsyncGenerator<infer Y, infer End, any> | Generator<infer Y, infer End, any>
      ? [Y] extends [ChunkOf<F>]
        ? F extends { result: infer Res }
          ? [End] extends [Res]
            ? never
            : DecoratorError<`${Decorator}: the generator must return the flow's result`, Res, End>
          : never
        : DecoratorError<`${Decorator}: the generator yields something else than the flow's chunk`, ChunkOf<F>, Y>
      : DecoratorError<`${Decorator}: a flow with chunks needs a generator method (async *)`, ChunkOf<F>, R>
  : Awaited<R> extends AsyncIterator<any, any, any> | Iterator<any, any, any>
    ? IsAny<R> extends true
      ? never
      : DecoratorError<`${Decorator}: declare 'chunk' in the flow to stream from it`, F, R>
    : [Awaited<R>] extends [ResultOf<F>]
      ? never
      : [ResultOf<F>] extends [void]
        ? DecoratorError<`${Decorator}: the flow declares no result`, void, Awaited<R>>
        : DecoratorError<
            `${Decorator}: the method returns something else than the flow's result`,
            ResultOf<F>,
            Awaited<R>
          >;

type PatchError<Decorator extends string, C, R> =
  IsLoose<C> extends true
    ? R extends object | void | null | undefined
      ? never
      : DecoratorError<`${Decorator}: return an object with the changed keys, or nothing`, StatePatch<C>, R>
    : [R] extends [StatePatch<C> | void | null | undefined]
      ? [KeysOfUnion<R>] extends [KeysOfUnion<StateOf<C>>]
        ? never
        : DecoratorError<
            `${Decorator}: the state has no such key`,
            keyof StateOf<C>,
            Exclude<KeysOfUnion<R>, KeysOfUnion<StateOf<C>>>
          >
      : DecoratorError<`${Decorator}: the returned keys do not fit the state`, StatePatch<C>, R>;

type ComponentError<Decorator extends string, C> = DecoratorError<
  `${Decorator}: only for instance methods of classes that extend Component`,
  AnyComponent,
  C
>;

type FlowError<Decorator extends string, C, K> = DecoratorError<
  `${Decorator}: the component declares no flow '${Exclude<K, FlowKey<C>> & string}'`,
  FlowKey<C>,
  K
>;

// Of several flows each one is checked; their errors are a union.
type ServeErrors<C, K extends FlowKey<C>, M, Schema> =
  K extends FlowKey<C>
    ? M extends (state: infer A, props: infer B, context: infer D) => infer R
      ? First<
          [
            StateError<`@Serve('${K}')`, C, A>,
            SchemaError<`@Serve('${K}')`, C, K, Schema>,
            PropsError<`@Serve('${K}')`, Parsed<C, K, Schema>, B>,
            ContextError<`@Serve('${K}')`, FlowContext<C, K>, D>,
            ServeReturnError<`@Serve('${K}')`, FlowsOf<C>[K], R>,
          ],
          never
        >
      : DecoratorError<'@Serve: needs a method (state, props, context)', (...args: never) => unknown, M>
    : never;

type UpdateErrors<C, K extends FlowKey<C>, M, Schema> =
  K extends FlowKey<C>
    ? M extends (state: infer A, props: infer B, context: infer D) => infer R
      ? First<
          [
            StateError<`@Update('${K}')`, C, A>,
            SchemaError<`@Update('${K}')`, C, K, Schema>,
            PropsError<`@Update('${K}')`, Parsed<C, K, Schema> & AddedProps<FlowsOf<C>[K]>, B>,
            ContextError<`@Update('${K}')`, UpdateContext, D>,
            PatchError<`@Update('${K}')`, C, Awaited<R>>,
          ],
          never
        >
      : DecoratorError<'@Update: needs a method (state, props, context)', (...args: never) => unknown, M>
    : never;

/** `Ok`, or what is wrong with method `M` as the serve method of the flows `K` of component `C`. */
export type CheckServe<C, K extends string, M, Schema, Ok> =
  IsAny<K> extends true
    ? Ok
    : [C] extends [AnyComponent]
      ? [K] extends [FlowKey<C>]
        ? First<[ServeErrors<C, K, M, Schema>], Ok>
        : FlowError<'@Serve', C, K>
      : ComponentError<'@Serve', C>;

/** `Ok`, or what is wrong with method `M` as an update of the flows `K` of component `C`. */
export type CheckUpdate<C, K extends string, M, Schema, Ok> =
  IsAny<K> extends true
    ? Ok
    : [C] extends [AnyComponent]
      ? [K] extends [FlowKey<C>]
        ? First<[UpdateErrors<C, K, M, Schema>], Ok>
        : FlowError<'@Update', C, K>
      : ComponentError<'@Update', C>;

/** `Ok`, or what is wrong with method `M` as the one that makes the first state of component `C`. */
export type CheckInit<C, M, Ok> = [C] extends [AnyComponent]
  ? M extends (params: infer A) => infer R
    ? First<
        [
          [InitParams<C>] extends [A]
            ? never
            : DecoratorError<"@InitState: the parameter must accept the component's params", InitParams<C>, A>,
          InitReturnError<C, Awaited<R>>,
        ],
        Ok
      >
    : DecoratorError<'@InitState: needs a method (params)', (...args: never) => unknown, M>
  : ComponentError<'@InitState', C>;

type InitReturnError<C, R> =
  IsLoose<C> extends true
    ? never
    : [R] extends [State<C>]
      ? [KeysOfUnion<R>] extends [KeysOfUnion<StateOf<C>>]
        ? never
        : DecoratorError<
            '@InitState: the state has no such key',
            keyof StateOf<C>,
            Exclude<KeysOfUnion<R>, KeysOfUnion<StateOf<C>>>
          >
      : DecoratorError<'@InitState: the returned object is not the whole state', StateOf<C>, R>;
