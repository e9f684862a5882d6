import { type OptionNames, optionProblem } from '../option-names.js';
import type { Commit, Key, Limits, Put } from './contract.js';
import { StoreError } from './errors.js';

const NAME = /^[\x21-\x7e]{1,512}$/;
const COMMIT_ID = /^[A-Za-z0-9_.:-]{1,40}$/;
const APPENDED = 'q/';

/**
 * Where the n-th appended value of a partition is stored.
 *
 * @param seq 1 for the first
 * @example appendKey(7) // 'q/0000000000000007'
 */
export function appendKey(seq: number): Key {
  return APPENDED + String(seq).padStart(16, '0');
}

/**
 * The shard of a partition (FNV-1a, 32 bits, of its name), for {@link Store.scan} with `shard`.
 *
 * @param partition its name
 * @param of how many shards there are, at least 1
 * @returns 0 to `of` - 1
 */
export function shardOf(partition: string, of: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < partition.length; i++) hash = Math.imul(hash ^ partition.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % of;
}

/**
 * For stores: refuses options that are no object, and names that are none of theirs: misspelt, they would go unnoticed.
 *
 * @param store the name of its class
 * @param options what its constructor was given
 * @param names all names of its options
 * @throws StoreError `invalid`
 * @example assertOptions<FileStoreOptions>('FileStore', options, { directory: true })
 */
export function assertOptions<T>(store: string, options: unknown, names: OptionNames<T>): void {
  const problem = optionProblem(names, options, store);
  if (problem !== undefined) throw new StoreError('invalid', problem);
}

/**
 * For stores: throws what the contract asks for a bad name of a partition or key.
 *
 * @throws StoreError `invalid`
 */
export function assertName(what: 'partition' | 'key', name: string): void {
  if (typeof name !== 'string' || !NAME.test(name))
    throw new StoreError('invalid', `${what} ${JSON.stringify(name)} is not 1 to 512 characters of [\\x21-\\x7e]`);
}

/**
 * For stores: throws what the contract asks for the arguments of a get.
 *
 * @throws StoreError `invalid`, `too_large`
 */
export function assertGet(partition: string, keys: readonly Key[], limits: Limits): void {
  assertName('partition', partition);
  if (keys.length > limits.getKeys)
    throw new StoreError('too_large', `get of ${keys.length} keys in ${partition}; this store takes ${limits.getKeys}`);
  for (const key of keys) assertName('key', key);
}

/**
 * For stores: throws what the contract asks for a commit that breaks its rules or the store's limits.
 *
 * @throws StoreError `invalid`, `too_large`
 */
export function assertCommit(partition: string, commit: Commit, limits: Limits): void {
  assertName('partition', partition);
  if (!COMMIT_ID.test(commit.id))
    throw new StoreError(
      'invalid',
      `commit id ${JSON.stringify(commit.id)} is not 1 to 40 characters of [A-Za-z0-9_.:-]`,
    );
  const { checks = NONE, seqIs = 0, puts = NONE, appends = NONE, deletes = NONE } = commit;
  if (!Number.isSafeInteger(seqIs))
    throw new StoreError('invalid', `the seqIs of a commit in ${partition} is ${seqIs}; it must be a whole number`);
  let bytes = 0;
  for (const { key } of checks) assertName('key', key);
  for (const { key, value } of puts) {
    assertName('key', key);
    if (key.startsWith(APPENDED))
      throw new StoreError('invalid', `put of ${key} in ${partition}: keys below ${APPENDED} are appended`);
    bytes += key.length + sizeOf(partition, key, value, limits);
  }
  for (const key of deletes) {
    assertName('key', key);
    bytes += key.length;
  }
  for (const value of appends) bytes += sizeOf(partition, 'an append', value, limits);
  assertWrittenOnce(partition, puts, deletes);
  assertDue(partition, commit.due);
  if (checks.length + puts.length + deletes.length + appends.length > limits.commitOps) {
    const ops = new Set([...checks, ...puts].map(({ key }) => key).concat(deletes)).size + appends.length;
    if (ops > limits.commitOps)
      throw new StoreError(
        'too_large',
        `commit of ${ops} operations in ${partition}; this store takes ${limits.commitOps}`,
      );
  }
  if (bytes > limits.commitBytes)
    throw new StoreError(
      'too_large',
      `commit of ${bytes} bytes in ${partition}; this store takes ${limits.commitBytes}`,
    );
}

function assertDue(partition: string, due: Commit['due']): void {
  if (due === undefined) return;
  const ms = 'in' in due ? due.in : due.ifNullIn;
  if (ms !== null && !Number.isFinite(ms))
    throw new StoreError(
      'invalid',
      `the due of a commit in ${partition} is ${ms}; it must be a number of milliseconds`,
    );
}

const NONE: readonly never[] = [];
/** Up to here, comparing keys one by one is faster than making a set. */
const FEW = 64;

function assertWrittenOnce(partition: string, puts: readonly Put[], deletes: readonly Key[]): void {
  if (puts.length + deletes.length < 2) return;
  const few = puts.length * (puts.length + deletes.length) <= FEW;
  const written = few ? undefined : new Set<Key>();
  for (const [i, { key }] of puts.entries()) {
    if (written ? written.has(key) : puts.findIndex((put) => put.key === key) !== i)
      throw new StoreError('invalid', `${key} in ${partition} is put twice in one commit`);
    written?.add(key);
  }
  for (const key of deletes)
    if (written ? written.has(key) : puts.some((put) => put.key === key))
      throw new StoreError('invalid', `${key} in ${partition} is both put and deleted in one commit`);
}

/**
 * For stores: throws what the contract asks for the arguments of a list.
 *
 * @throws StoreError `invalid`
 */
export function assertList(partition: string, range: { readonly limit: number }): void {
  assertName('partition', partition);
  if (!(range.limit >= 1))
    throw new StoreError('invalid', `list of ${range.limit} entries in ${partition}: the limit must be at least 1`);
}

/**
 * For stores: throws what the contract asks for a value to cache.
 *
 * @throws StoreError `invalid`, `too_large`
 */
export function assertCacheable(partition: string, key: Key, value: Uint8Array, ttlMs: number, limits: Limits): void {
  assertGet(partition, [key], limits);
  if (!Number.isFinite(ttlMs))
    throw new StoreError(
      'invalid',
      `the cached value of ${key} in ${partition} has a ttlMs of ${ttlMs}: give a number of milliseconds`,
    );
  sizeOf(partition, `the cached ${key}`, value, limits);
}

/**
 * For stores whose scan by due goes by due and name: the cursor behind a partition.
 *
 * @example dueCursor(1700000000000, 'Book/user-1') // '1700000000000 Book/user-1'
 */
export function dueCursor(due: number, partition: string): string {
  return `${due} ${partition}`;
}

/**
 * Where a cursor of {@link dueCursor} stands.
 *
 * @throws StoreError `invalid`
 */
export function parseDueCursor(cursor: string): [due: number, partition: string] {
  const space = cursor.indexOf(' ');
  const due = Number(cursor.slice(0, space));
  if (space < 1 || Number.isNaN(due))
    throw new StoreError(
      'invalid',
      `${JSON.stringify(cursor)} is no cursor of this store: give the one of the last page`,
    );
  return [due, cursor.slice(space + 1)];
}

function sizeOf(partition: string, what: string, value: Uint8Array, limits: Limits): number {
  if (!(value instanceof Uint8Array))
    throw new StoreError('invalid', `the value of ${what} in ${partition} is no Uint8Array`);
  if (value.byteLength > limits.valueBytes)
    throw new StoreError(
      'too_large',
      `the value of ${what} in ${partition} has ${value.byteLength} bytes; this store takes ${limits.valueBytes}`,
    );
  return value.byteLength;
}
