/** Survives two copies of this package in one process: `instanceof` would not. */
const BRAND: unique symbol = Symbol.for('@motion-ts/core:store-error') as never;

/**
 * Why a call of a store rejects.
 *
 * | code | meaning | what core does |
 * | --- | --- | --- |
 * | `unknown` | the commit was applied, or will be later, or never | finds out by the revision of the commit's own key, or sends it again |
 * | `unavailable` | not applied and never will be; may work later | for appends and for the holder: backs off and tries again; for reads: passes it on |
 * | `full` | the store has no room; nothing was applied | passes it on |
 * | `too_large` | beyond {@link Limits}; nothing was applied | passes it on |
 * | `invalid` | an argument breaks the contract, or the store is not set up as it must be; nothing was applied | passes it on |
 * | `corrupt` | what the store holds cannot be read | passes it on |
 * | `closed` | the store was closed | passes it on |
 */
export type StoreErrorCode = 'unknown' | 'unavailable' | 'full' | 'too_large' | 'invalid' | 'corrupt' | 'closed';

/**
 * The only kind of error a {@link Store} rejects with. A check that fails is no error but a value (`ok: false`).
 *
 * @example
 * throw new StoreError('unavailable', `redis at ${url} refused the connection; is it running?`, { cause });
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string = code, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /**
   * Whether a value is a StoreError, of this copy of the package or another.
   *
   * @param value anything, as caught
   * @param code only of this code
   */
  static is(value: unknown, code?: StoreErrorCode): value is StoreError {
    return (
      typeof value === 'object' &&
      value !== null &&
      BRAND in value &&
      (code === undefined || ('code' in value && value.code === code))
    );
  }
}
