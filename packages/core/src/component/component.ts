import type { LooseTypes, ValidTypes } from './declare.js';

/** Registered: a component made with another copy of this package is one, too. */
const COMPONENT: unique symbol = Symbol.for('@motion-ts/core:component') as never;

/**
 * The base of every component. Extend it with the types that the component declares; all members may be left out, and
 * what is left out is not checked.
 *
 * Two static members may be set: `componentName` (the name in the store, default: the class's name; set it before a
 * minifier renames the class) and `codeVersion` (change it to leave behind the results cached by older code).
 *
 * @typeParam T `{ params, state, flows }`: what `@InitState` takes, what is stored, what can be called
 * @example
 * class Counter extends Component<{
 *   state: { n: number };
 *   flows: { add: { props: { by: number }; result: number } };
 * }> {
 *   static readonly componentName = 'Counter';
 *   @InitState() setup() { return { n: 0 }; }
 *   @Serve('add') sum(state: State<Counter>, props: Props<Counter, 'add'>) { return state.n + props.by; }
 *   @Update('add') save(_: State<Counter>, props: UpdateProps<Counter, 'add'>) { return { n: props.serveResult }; }
 * }
 */
export abstract class Component<T extends ValidTypes<T> = LooseTypes> {
  /** Types only; there is no such member at run time. */
  declare readonly '~types': T;

  static {
    Object.defineProperty(Component.prototype, COMPONENT, { value: true });
  }
}

/** Whether a class extends {@link Component}, of this copy of the package or another. `Component` itself does not. */
export function isComponentClass(value: unknown): value is abstract new (...args: never) => object {
  return (
    typeof value === 'function' &&
    typeof value.prototype === 'object' &&
    value.prototype !== null &&
    COMPONENT in value.prototype &&
    !Object.hasOwn(value.prototype, COMPONENT)
  );
}
