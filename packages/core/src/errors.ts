/** Survives two copies of this package in one process: `instanceof` would not. */
const BRAND: unique symbol = Symbol.for('@motion-ts/core:error') as never;

/**
 * Every reason for which a call of the library rejects, apart from the store's own ({@link StoreErrorCode}).
 *
 * | code | cause | remedy |
 * | --- | --- | --- |
 * | `INVALID_COMPONENT` | the class's decorators contradict each other, or it is no component | mend the class; the message names the method |
 * | `DUPLICATE_COMPONENT` | two classes claim one component name | give one a `static componentName` |
 * | `UNKNOWN_COMPONENT` | the class was not registered and cannot be made without arguments | `motion.register(Class, factory)` |
 * | `UNKNOWN_FLOW` | the class has no such flow | the message lists those it has |
 * | `UNKNOWN_UPDATE` | a queued update names a method that the class no longer has | deploy the method again, then `redrive` |
 * | `INVALID_OPTIONS` | an option does not exist, or has the wrong type or range | the message names it |
 * | `INVALID_PROPS` | the props fail the flow's schema, or are no object | see `issues` |
 * | `INVALID_PATCH` | an update, a `writeState` or `@InitState` gave something that is no object of state keys | return the changed keys |
 * | `NOT_SERIALIZABLE` | the codec cannot round-trip a value | the message has its path |
 * | `INVALID_ID` | an instance id is no string, empty, too long, or holds a lone surrogate | use another id |
 * | `NO_INIT_PARAMS` | the instance does not exist yet and its `@InitState` wants params | pass `{ init }` |
 * | `INSTANCE_GONE` | the instance was cleared (and maybe made anew) since it was opened | open it again |
 * | `INSTANCE_MOVED` | the instance moved to another store, or is still on its way here | open it there; or finish `copyInstances` |
 * | `INSTANCE_EXISTS` | the store to copy to has another instance of that name | clear one of the two |
 * | `COPY_MISMATCH` | what was copied does not read back as it was written | mend the store, and copy again |
 * | `UPDATE_FAILED` | an update is a dead letter: all its tries failed | see `cause`; `deadLetters()`, `redrive(id)` |
 * | `UPDATE_DISCARDED` | the update's discard policy dropped it | none is needed |
 * | `NO_DEAD_LETTER` | no dead letter has this id (any more) | list them with `deadLetters()` |
 * | `LEASE_LOST` | another holder took the lease over | let the new holder work |
 * | `TIMEOUT` | a method took longer than its `timeoutMs` | raise it, or heed `ctx.signal` |
 * | `ABORTED` | the caller's signal was aborted | none is needed |
 * | `CLOSED` | the Motion, worker or instance is closed | open a new one |
 * | `CORRUPT` | an entry in the store is not one this library wrote, or was damaged | restore it; nothing was overwritten |
 */
export type MotionErrorCode =
  | 'INVALID_COMPONENT'
  | 'DUPLICATE_COMPONENT'
  | 'UNKNOWN_COMPONENT'
  | 'UNKNOWN_FLOW'
  | 'UNKNOWN_UPDATE'
  | 'INVALID_OPTIONS'
  | 'INVALID_PROPS'
  | 'INVALID_PATCH'
  | 'NOT_SERIALIZABLE'
  | 'INVALID_ID'
  | 'NO_INIT_PARAMS'
  | 'INSTANCE_GONE'
  | 'INSTANCE_MOVED'
  | 'INSTANCE_EXISTS'
  | 'COPY_MISMATCH'
  | 'UPDATE_FAILED'
  | 'UPDATE_DISCARDED'
  | 'NO_DEAD_LETTER'
  | 'LEASE_LOST'
  | 'TIMEOUT'
  | 'ABORTED'
  | 'CLOSED'
  | 'CORRUPT';

/** What {@link MotionError} carries beside its message. */
export interface MotionErrorDetails {
  /** The error behind this one. */
  cause?: unknown;
  /** `UPDATE_FAILED`: one error for every failed update, in the order of their calls. */
  errors?: readonly unknown[];
  /** `INVALID_PROPS`: the schema's issues. */
  issues?: readonly { readonly message: string; readonly path?: readonly unknown[] }[];
}

/**
 * Any failure that this library reports. Tell them apart by `code`, which is stable; the message is for people.
 *
 * @example
 * try {
 *   await rec.run('rec', { genre: 'drama' }, { flushUpdates: true });
 * } catch (error) {
 *   if (MotionError.is(error, 'UPDATE_FAILED')) console.error(error.cause);
 *   else throw error;
 * }
 */
export class MotionError extends Error {
  override readonly name = 'MotionError';
  readonly code: MotionErrorCode;
  /** See {@link MotionErrorDetails.errors}. */
  readonly errors?: readonly unknown[];
  /** See {@link MotionErrorDetails.issues}. */
  readonly issues?: MotionErrorDetails['issues'];

  constructor(code: MotionErrorCode, message: string, details: MotionErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    if (details.errors) this.errors = details.errors;
    if (details.issues) this.issues = details.issues;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /**
   * Whether a value is a MotionError, of this copy of the package or another.
   *
   * @param value anything, as caught
   * @param code only of this code
   */
  static is(value: unknown, code?: MotionErrorCode): value is MotionError {
    return (
      typeof value === 'object' &&
      value !== null &&
      BRAND in value &&
      (code === undefined || ('code' in value && value.code === code))
    );
  }
}
