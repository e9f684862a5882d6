import { MotionError } from '../errors.js';
import type { RunOptions } from './api.js';
import { abortedError } from './timeout.js';

/** What a call has that was given none. */
export const noOptions: RunOptions = Object.freeze({});

/**
 * Checks the options of a call, before anything runs or is queued.
 *
 * @throws MotionError `INVALID_OPTIONS`, `ABORTED`
 */
export function checkOptions(options: RunOptions, what: string): void {
  if (options === noOptions) return;
  if (typeof options !== 'object' || options === null)
    throw new MotionError('INVALID_OPTIONS', `${what}: the options must be an object`);
  const { idempotencyKey, signal } = readOptions(options, what);
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

function readOptions(options: RunOptions, what: string): RunOptions {
  try {
    return { ...options };
  } catch (cause) {
    throw new MotionError('INVALID_OPTIONS', `${what}: the options cannot be read: one of them throws`, { cause });
  }
}
