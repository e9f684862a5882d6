import type { Signal } from '../signal.js';
import type { LooseTypes } from './declare.js';
import type { FlowKey, FlowsOf } from './read.js';

/** What every `@Serve` and `@Update` method gets as its third argument. */
export interface MethodContext {
  /** The instance's id. */
  readonly instanceId: string;
  /** The component's name in the store. */
  readonly componentName: string;
  /** The flow that was called: of interest to methods of several flows. */
  readonly flow: string;
  /** Aborted when the work is of no use any more: the caller gave up, time is over, the lease is lost. */
  readonly signal: Signal;
}

/** In the place of the value of `ctx.pass` in a flow that declares no `passed`. No value has this type. */
export interface PassedIsNotDeclared {
  readonly '~error': "declare 'passed' in the flow to pass something to its updates";
}

type PassedOf<F> = F extends { passed?: infer P }
  ? 'passed' extends keyof F
    ? Exclude<P, undefined>
    : PassedIsNotDeclared
  : PassedIsNotDeclared;
/** A method of several flows passes what each of them takes: the intersection, which functions' parameters infer. */
type PassedToAll<F> = (F extends unknown ? (value: PassedOf<F>) => void : never) extends (value: infer P) => void
  ? P
  : never;

/** {@link FlowContext} by what it passes. */
export interface PassingContext<Passed> extends MethodContext {
  /**
   * Hands a value to the flow's updates, which get it as `props.passed`. The last call counts.
   *
   * @param value what the codec can round-trip
   */
  readonly pass: (value: Passed) => void;
}

/**
 * The third argument of `@Serve` methods. `FlowContext` alone lets `pass` take anything; with component and flow it is
 * checked against the flow's `passed`.
 *
 * @example
 * @Serve('rec') rec(state: State<Rec>, props: Props<Rec, 'rec'>, ctx: FlowContext<Rec, 'rec'>) {
 *   ctx.pass({ tokens: 12 });
 *   return 'Emma';
 * }
 */
// An alias over an interface of one parameter: the compiler then compares what is passed, not C and K.
export type FlowContext<C = LooseTypes, K extends FlowKey<C> = FlowKey<C>> = PassingContext<PassedToAll<FlowsOf<C>[K]>>;

/** The third argument of `@Update` methods. */
export interface UpdateContext extends MethodContext {
  /** The same for every try of one update: a key for idempotent calls to elsewhere. */
  readonly updateId: string;
  /** Fencing token: grows with every new holder of the instance. Give it to stores of your own that can compare. */
  readonly epoch: number;
  /** Which try this is: 1 for the first. */
  readonly attempt: number;
}
