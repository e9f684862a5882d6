import type { Limits, Store, StoreErrorCode } from '@motion-ts/core/store';

/** What a child process is told at its start, as JSON. */
export interface Opening {
  /** The URL of a module that exports `open(argument): Store | Promise<Store>`. */
  readonly module: string;
  readonly argument: unknown;
}

/** The methods that are called across; `watch` is not, for it returns a function. */
export type Method = Exclude<keyof Store, 'limits' | 'watch'>;

/** From the parent to the child. */
export type Request =
  | { readonly call: number; readonly method: Method; readonly args: readonly unknown[] }
  | { readonly watching: boolean };

/** From the child to the parent. */
export type Reply =
  | { readonly opened: Limits; readonly watchable: boolean }
  | { readonly failed: Failure }
  | { readonly call: number; readonly value: unknown }
  | { readonly call: number; readonly failed: Failure }
  | { readonly changed: string | undefined };

/** An error on its way; no code: it was no StoreError. */
export interface Failure {
  readonly code?: StoreErrorCode;
  readonly message: string;
}
