// What the calls are checked against: a `Motion`, and a client elsewhere that has the types alone.
import type { AnyComponent, Instance, Motion } from '@motion-ts/core';

export declare const motion: Motion;

/** By type only, as a remote client would. */
export declare function remote<C extends AnyComponent>(): Instance<C>;
