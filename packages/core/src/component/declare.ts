// biome-ignore-all lint/suspicious/noExplicitAny: conditional types over any component need it; `unknown` would not match
/** What a component declares: the type argument of `Component<...>`. */

/**
 * One flow of a component. Everything may be left out: `{}` is a flow without props and without a result.
 *
 * @example
 * flows: {
 *   rec:  { props: { genre: string }; result: string };
 *   chat: { props: { question: string }; chunk: string; result: number }; // streams
 *   like: { props: { title: string } };                                   // only updates
 * }
 */
export interface FlowTypes {
  /** What callers give. Default: nothing. */
  props?: object;
  /** What the `@Serve` method returns. Default: nothing, or of a streaming flow all its chunks in an array. */
  result?: unknown;
  /** What the `@Serve` method yields. A flow that has it is a streaming one. */
  chunk?: unknown;
  /**
   * What the `@Serve` method hands its updates with `ctx.pass({...})`; they get it as `props.passed`. Declare it as
   * `passed?: ...` when the method does not always call `ctx.pass`.
   */
  passed?: object;
}

/** Names that the runtime itself puts beside the props of an update. */
interface TakenNames {
  serveResult?: never;
  passed?: never;
}

/**
 * Checks the type argument of `Component<...>`: a wrong or misspelt member is an error there, at its source.
 */
export type ValidTypes<T> = {
  [K in keyof T]: K extends 'params' | 'state'
    ? object
    : K extends 'flows'
      ? {
          [F in keyof T[K]]: {
            [M in keyof T[K][F]]: M extends 'props'
              ? object & TakenNames
              : M extends 'passed'
                ? object
                : M extends keyof FlowTypes
                  ? unknown
                  : never;
          };
        }
      : never;
};

/** What `Component` without a type argument means: everything is allowed, nothing is inferred. */
export interface LooseTypes {
  params: any;
  state: any;
  flows: { [flow: string]: { props: any; result: any; chunk: any; passed: any } };
}

/** Any component. Only the phantom member counts, so that checks stay cheap and free of cycles. */
export interface AnyComponent {
  readonly '~types': any;
}

/**
 * A component's class, whatever its constructor takes; abstract classes are none.
 *
 * The two static members are not declared by `Component` itself: under `noImplicitOverride` every class would have to
 * write `static override`.
 */
export interface ComponentClass<C extends AnyComponent = AnyComponent> {
  new (...args: any): C;
  /** The component's name in the store, 1 to 100 characters. Default: the class's name. Subclasses do not inherit it. */
  readonly componentName?: string | undefined;
  /** Cached results of another code version are not used. Default: none. Subclasses inherit it. */
  readonly codeVersion?: string | undefined;
}
