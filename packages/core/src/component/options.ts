import type { StandardSchemaV1 } from '@standard-schema/spec';

/** When a result may be given again without a call of the method. */
export interface CacheOptions {
  /** How long, in milliseconds: above 0. */
  ttlMs: number;
  /**
   * `'state-version'` (default): only as long as the state is at the version that the result was made from.
   * `'any-version'`: for the whole time, whatever happens to the state.
   */
  scope?: 'state-version' | 'any-version';
}

/** Options of {@link Serve}. */
export interface ServeOptions<Schema extends StandardSchemaV1 | undefined = StandardSchemaV1 | undefined> {
  /** Any Standard Schema (zod, valibot, arktype ...). Checks the props before anything runs; methods get its output. */
  props?: Schema;
  /** Keep results for calls with equal props. Default: off. The flow's updates are queued all the same. */
  cache?: CacheOptions;
  /** Milliseconds after which the call fails with `TIMEOUT`, 1 to 2147483647. Default: none. */
  timeoutMs?: number;
}

/** When a waiting update is dropped: by newer updates of the same method, by age, or by whichever comes first. */
export type DiscardOptions =
  | { afterUpdates: number; afterMs?: number }
  | {
      /** Dropped as soon as this many newer ones wait: a whole number from 1. */
      afterUpdates?: number;
      /** Dropped when not begun after this many milliseconds: above 0. */
      afterMs: number;
    };

/** How often and when a failed update is tried again. What is left out follows the `Motion`'s own `retry`. */
export interface RetryOptions {
  /** Tries in all, the first included: a whole number from 1. */
  attempts?: number;
  /** Wait before the second try, in milliseconds, doubled for each further one: from 0. */
  backoffMs?: number;
  /** The longest wait, in milliseconds: not below `backoffMs`. */
  maxBackoffMs?: number;
}

/** Options of {@link Update}. */
export interface UpdateOptions<Schema extends StandardSchemaV1 | undefined = StandardSchemaV1 | undefined> {
  /**
   * The name under which waiting updates are stored. Default: the method's name. Set it before renaming a method, so
   * that what still waits finds it.
   */
  name?: string;
  /**
   * Checks the flow's props, as in {@link ServeOptions.props}; for flows without `@Serve`. A flow has one schema: where
   * both name one, it is the same object.
   */
  props?: Schema;
  /** When a waiting update may be dropped. Default: never. */
  discard?: DiscardOptions;
  /** How a failed update is tried again. */
  retry?: RetryOptions;
  /** Milliseconds after which a try fails with `TIMEOUT`, 1 to 2147483647. Default: none. */
  timeoutMs?: number;
}
