// What the calls are checked against: a `Motion` and a client elsewhere, by their types.
import type { AnyComponent, ComponentClass, Instance, InstanceArgs } from '@motion-ts/core';

export declare const motion: {
  instance<C extends AnyComponent>(component: ComponentClass<C>, ...args: InstanceArgs<C>): Promise<Instance<C>>;
};

/** By type only, as a remote client would. */
export declare function remote<C extends AnyComponent>(): Instance<C>;
