import { MotionError } from '../errors.js';
import type { StoredError } from '../state/records.js';
import type { UpdatePolicy } from './context.js';

/** Bytes of the longest stack, and of the longest message, that a dead letter keeps. */
const LONGEST = 4_000;

/**
 * Anything thrown, as a dead letter keeps it.
 *
 * @param most bytes that it may take: what is longer is cut
 */
export function storedError(error: unknown, most: number): StoredError {
  const text = (value: string, part: number): string => cut(value, Math.min(LONGEST, Math.floor(most * part)));
  try {
    return fieldsOf(error, text);
  } catch {
    // A getter or a toString of its own threw.
    return { name: 'Error', message: text('something that cannot be shown was thrown', 1 / 2) };
  }
}

function fieldsOf(error: unknown, text: (value: string, part: number) => string): StoredError {
  if (!(error instanceof Error)) return { name: 'Error', message: text(String(error), 1 / 2) };
  const code = (error as { code?: unknown }).code;
  return {
    name: text(String(error.name).slice(0, 200), 1 / 8),
    message: text(String(error.message), 1 / 4),
    ...(error.stack !== undefined && { stack: text(String(error.stack), 1 / 2) }),
    ...(typeof code === 'string' && { code: text(code.slice(0, 200), 1 / 8) }),
  };
}

const encoder = new TextEncoder();

/** Well-formed, and no more than so many bytes of UTF-8. */
function cut(text: string, most: number): string {
  const bytes = encoder.encode(text.slice(0, most));
  // As a stream: the beginning of a character whose end was cut off is left out.
  return new TextDecoder().decode(bytes.subarray(0, most), { stream: true });
}

/** Milliseconds to wait after so many failed tries. */
export function backoffOf(policy: UpdatePolicy, tries: number): number {
  return Math.min(policy.maxBackoffMs, policy.backoffMs * 2 ** Math.min(tries - 1, 40));
}

/** These will fail in the same way however often they are tried. */
export function isHopeless(error: unknown): boolean {
  return MotionError.is(error, 'INVALID_PATCH') || MotionError.is(error, 'NOT_SERIALIZABLE');
}
