import { MotionError } from '../errors.js';
import type { StoredError } from '../state/records.js';
import type { UpdatePolicy } from './context.js';

/** The longest stack that a dead letter keeps. */
export const STACK = 4_000;

/** Anything thrown, as a dead letter keeps it. */
export function storedError(error: unknown): StoredError {
  if (!(error instanceof Error)) return { name: 'Error', message: safeString(error).slice(0, STACK) };
  const code = (error as { code?: unknown }).code;
  return {
    name: String(error.name).slice(0, 200),
    message: String(error.message).slice(0, STACK).toWellFormed(),
    ...(error.stack !== undefined && { stack: String(error.stack).slice(0, STACK).toWellFormed() }),
    ...(typeof code === 'string' && { code: code.slice(0, 200) }),
  };
}

function safeString(value: unknown): string {
  try {
    return String(value).toWellFormed();
  } catch {
    return 'something that cannot be shown was thrown';
  }
}

/** Milliseconds to wait after so many failed tries. */
export function backoffOf(policy: UpdatePolicy, tries: number): number {
  return Math.min(policy.maxBackoffMs, policy.backoffMs * 2 ** (tries - 1));
}

/** These will fail in the same way however often they are tried. */
export function isHopeless(error: unknown): boolean {
  return MotionError.is(error, 'INVALID_PATCH') || MotionError.is(error, 'NOT_SERIALIZABLE');
}
