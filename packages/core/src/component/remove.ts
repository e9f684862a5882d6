/** Registered, so that two copies of this package know each other's marker; a symbol, so that no data can forge it. */
const REMOVE: unique symbol = Symbol.for('@motion-ts/core:remove') as never;

/** The type of {@link remove}. */
export interface Remove {
  /** Types only; there is no such member at run time. */
  readonly '~remove': never;
}

/**
 * In a state patch: deletes the key. The types allow it for keys that are optional in the state.
 *
 * (`undefined` leaves a key as it was, `null` is a value. A plain symbol would do at run time, but TypeScript widens
 * it to `symbol` in what a method returns.)
 *
 * @example
 * @Update('publish') published() {
 *   return { draft: remove };
 * }
 */
export const remove: Remove = Object.freeze({ [REMOVE]: true }) as never;

/** Whether a value is the marker {@link remove}, of this copy of the package or another. */
export function isRemove(value: unknown): value is Remove {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, REMOVE);
}
