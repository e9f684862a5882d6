import { MotionError } from '../errors.js';
import { assertOptionNames, type OptionNames } from '../option-names.js';
import type { RunOptions, SignalOptions } from './api.js';
import { abortedError } from './timeout.js';

/** What a call has that was given none. */
export const noOptions: RunOptions = Object.freeze({});

const RUN_NAMES: OptionNames<RunOptions> = {
  flushUpdates: true,
  ignoreCache: true,
  forceRefresh: true,
  idempotencyKey: true,
  signal: true,
};
const SIGNAL_NAMES: OptionNames<SignalOptions> = { signal: true };

/**
 * Checks the options of a call, before anything runs or is queued.
 *
 * @throws MotionError `INVALID_OPTIONS`, `ABORTED`
 */
export function checkOptions(options: RunOptions, what: string): void {
  if (options === noOptions) return;
  const { idempotencyKey, signal } = readOptions(RUN_NAMES, options, what);
  if (
    idempotencyKey !== undefined &&
    (typeof idempotencyKey !== 'string' ||
      idempotencyKey === '' ||
      idempotencyKey.length > 200 ||
      !idempotencyKey.isWellFormed())
  )
    throw new MotionError(
      'INVALID_OPTIONS',
      `${what}: the idempotencyKey must be a string of 1 to 200 characters, without lone surrogates`,
    );
  if (signal?.aborted) throw abortedError(what, signal.reason);
}

/**
 * Checks the options of a call that can only be given up.
 *
 * @throws MotionError `INVALID_OPTIONS`, `ABORTED`
 */
export function checkSignal(options: SignalOptions, what: string): void {
  if (options === noOptions) return;
  const { signal } = readOptions(SIGNAL_NAMES, options, what);
  if (signal?.aborted) throw abortedError(what, signal.reason);
}

function readOptions<T extends SignalOptions>(names: OptionNames<T>, options: T, what: string): T {
  let read: T;
  try {
    read = typeof options === 'object' && options !== null ? { ...options } : options;
  } catch (cause) {
    throw new MotionError('INVALID_OPTIONS', `${what}: the options cannot be read: one of them throws`, { cause });
  }
  assertOptionNames(names, read, what);
  return read;
}
