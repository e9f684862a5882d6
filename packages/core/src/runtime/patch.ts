import { isRemove } from '../component/remove.js';
import { MotionError } from '../errors.js';
import type { Codec } from '../state/codec.js';
import type { Changes } from '../state/records.js';

/**
 * What a patch changes, encoded. All of it is checked before anything is written.
 *
 * @param patch what a method returned or a caller gave: an object of state keys, or nothing
 * @param from who gave it, for messages
 * @param most keys that one commit can change
 * @throws MotionError `INVALID_PATCH`, `NOT_SERIALIZABLE`
 */
export function changesOf(patch: unknown, codec: Codec, from: string, most: number): Changes {
  try {
    return readChanges(patch, codec, from, most);
  } catch (error) {
    if (MotionError.is(error)) throw error;
    throw new MotionError('INVALID_PATCH', `${from} gave what cannot be read: a getter in it, or a proxy, throws`, {
      cause: error,
    });
  }
}

function readChanges(patch: unknown, codec: Codec, from: string, most: number): Changes {
  const changes = new Map<string, Uint8Array | null>();
  if (patch === undefined || patch === null) return changes;
  if (!isPlainObject(patch))
    throw new MotionError(
      'INVALID_PATCH',
      `${from} gave ${show(patch)}, which is no object of state keys: return the changed keys, or nothing`,
    );
  if (Object.getOwnPropertySymbols(patch).length > 0)
    throw new MotionError('INVALID_PATCH', `${from} gave a symbol as a state key: keys are strings`);
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === undefined) continue;
    if (key === '' || key === '__proto__' || key.length > 1_000 || !key.isWellFormed())
      throw new MotionError(
        'INVALID_PATCH',
        `${from} gave a state key that cannot be stored: ${JSON.stringify(key.slice(0, 50))}; keys are 1 to 1000 characters without lone surrogates, and not '__proto__'`,
      );
    changes.set(key, isRemove(value) ? null : codec.encode(value, `${from}: state${path(key)}`));
  }
  if (changes.size > most)
    throw new MotionError(
      'INVALID_PATCH',
      `${from} changed ${changes.size} state keys at once; this store commits ${most} at a time: group what belongs together under one key`,
    );
  return changes;
}

function path(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** An object as a literal makes it. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function show(value: unknown): string {
  if (typeof value === 'string') return 'a string';
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return `a ${value?.constructor?.name ?? 'strange object'}`;
  return String(value);
}
