import { createHash } from 'node:crypto';
import { MotionError } from '../errors.js';
import type { Key } from '../store/contract.js';

/*
 * The entries of an instance's partition:
 *
 *   init            written once; its revision is the instance's incarnation
 *   root            lease, cursor, tries, version: everything that changes with the queue
 *   dir             the names of the state's keys, in order
 *   s/<name>        one top-level key of the state
 *   q/<seq>         a batch of queued calls (written by the store's appends)
 *   w/<session>     a writer's slot: makes its appends happen once
 *   i/<hash>        an idempotency key that was used
 *   o/<update id>   an outcome other than ok
 *   b/<group>/...   the chunks of a big value
 *   gone            stands while nobody may use what is here: it is being cleared, has moved away, or is still arriving
 *   moved           of an instance that came from another store: which one it was there
 */
export const INIT: Key = 'init';
export const ROOT: Key = 'root';
export const DIR: Key = 'dir';
export const GONE: Key = 'gone';
export const MOVED: Key = 'moved';
export const OUTCOMES = 'o/';
export const SLOTS = 'w/';
export const IDEMPOTENCY = 'i/';
export const CHUNKS = 'b/';

const MAX_NAME = 512;

/** SHA-256, for names that no length bounds. */
export function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Any well-formed text as characters that a store takes; `/` and `~` are escaped, since names of our own hold them. */
function printable(text: string): string {
  return encodeURIComponent(text).replaceAll('~', '%7E');
}

/**
 * The partition of an instance.
 *
 * @throws MotionError `INVALID_ID`
 */
export function partitionOf(component: string, id: string): string {
  if (typeof id !== 'string' || id === '')
    throw new MotionError(
      'INVALID_ID',
      `the id of an instance of ${component} must be a string that is not empty, not ${typeof id === 'string' ? "''" : typeof id}`,
    );
  if (!id.isWellFormed())
    throw new MotionError(
      'INVALID_ID',
      `the id ${JSON.stringify(id)} of an instance of ${component} holds a lone surrogate`,
    );
  const partition = partitionPrefix(component) + printable(id);
  if (partition.length > MAX_NAME)
    throw new MotionError(
      'INVALID_ID',
      `the id ${JSON.stringify(`${id.slice(0, 40)}...`)} of an instance of ${component} is too long: with the component's name it takes ${partition.length} bytes, ${MAX_NAME} is the most`,
    );
  return partition;
}

/** What the partitions of all instances of a component start with. */
export function partitionPrefix(component: string): string {
  return `${printable(component)}/`;
}

/** The component and the instance's id that a partition is for; undefined for one that is not ours. */
export function parsePartition(partition: string): { component: string; id: string } | undefined {
  const slash = partition.indexOf('/');
  if (slash < 1) return undefined;
  try {
    return {
      component: decodeURIComponent(partition.slice(0, slash)),
      id: decodeURIComponent(partition.slice(slash + 1)),
    };
  } catch {
    return undefined;
  }
}

/** The entry of one key of the state. */
export function stateKey(name: string): Key {
  const key = `s/${printable(name)}`;
  return key.length <= 200 && name !== '' ? key : `s/~${hash(name)}`;
}
export const slotKey = (session: string): Key => SLOTS + session;
export const outcomeKey = (update: string): Key => OUTCOMES + update;
export const idempotencyKey = (key: string): Key => IDEMPOTENCY + hash(key);
/** Sorts before its chunks, so that one look tells of a group. */
export const manifestKey = (group: string): Key => `${CHUNKS}${group}/!`;
export const chunkKey = (group: string, n: number): Key => `${CHUNKS}${group}/${String(n).padStart(6, '0')}`;
/** Sorts behind all chunks of a group. */
export const afterGroup = (group: string): Key => `${CHUNKS}${group}/~`;
