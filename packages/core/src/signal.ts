/**
 * The global AbortSignal, where some library declares it (DOM, node). Write it instead of `AbortSignal` in every
 * exported declaration: those must compile without either.
 */
export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer S } }
  ? S
  : { readonly aborted: boolean };
