import type { Limits } from '../store/contract.js';
import type { Changes } from './records.js';

/*
 * The names of the state's keys stand in one entry. It is read and committed together with others, so it may not take all
 * the room that there is.
 */

/** Bytes that the names may take. */
export function mostDirBytes({ valueBytes, getBytes, commitBytes }: Limits): number {
  return Math.min(valueBytes, Math.floor(getBytes / 2), Math.floor(commitBytes / 4));
}

const FRAME_BYTES = 16;
const encoder = new TextEncoder();

/** At least what the names take as an entry. */
export function dirBytes(names: Iterable<string>): number {
  let bytes = FRAME_BYTES;
  for (const name of names) bytes += encoder.encode(name).byteLength + 5;
  return bytes;
}

/** The names after a change; undefined when they stay as they are. */
export function namesAfter(names: ReadonlyMap<string, unknown>, changes: Changes): Set<string> | undefined {
  let after: Set<string> | undefined;
  for (const [name, value] of changes) {
    if ((value === null) !== names.has(name)) continue;
    after ??= new Set(names.keys());
    if (value === null) after.delete(name);
    else after.add(name);
  }
  return after;
}
