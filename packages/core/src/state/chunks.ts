import { Packr } from 'msgpackr';
import type { Env } from '../env.js';
import { commitOnce } from '../store/commit-once.js';
import type { Check, Commit, Key, Put, Store } from '../store/contract.js';
import { StoreError } from '../store/errors.js';
import { chunkKey, manifestKey } from './keys.js';
import { encodeStamp } from './records.js';

/** A value as an entry holds it: itself, or a pointer to chunks. */
export interface Stored {
  readonly value: Uint8Array;
  /** The group of the chunks, when there are any. */
  readonly group?: ChunkGroup;
  /** Holds while the chunks are there: checked by the commit that makes the pointer visible. */
  readonly check?: Check;
}

/** The chunks of one big value. A group's id is never used again, so deleting one is always safe. */
export interface ChunkGroup {
  readonly id: string;
  readonly chunks: number;
}

const INLINE = 0;
const POINTER = 1;
/** One value must not block a store, or this process, for long. */
const CHUNK_BYTES = 1 << 20;
const PER_COMMIT_BYTES = 4 << 20;
const TRIES = 5;
/** More than any memory holds: a pointer that says so is damaged. */
const MOST_CHUNKS = 4_096;
/** Room for keys and for the store's own book-keeping. */
const SLACK = 4_096;

const packr = new Packr({ useRecords: false });

interface Pointer extends ChunkGroup {
  readonly length: number;
}

/** Undefined when the value is none, or damaged. */
function pointerIn(value: Uint8Array): Pointer | undefined {
  if (value[0] !== POINTER) return undefined;
  let fields: unknown;
  try {
    fields = packr.unpack(value.subarray(1));
  } catch {
    return undefined;
  }
  if (!Array.isArray(fields)) return undefined;
  const [id, chunks, length] = fields as [unknown, unknown, unknown];
  const fits =
    typeof id === 'string' &&
    Number.isSafeInteger(chunks) &&
    Number.isSafeInteger(length) &&
    (chunks as number) <= MOST_CHUNKS &&
    (chunks as number) <= (length as number) &&
    (length as number) <= (chunks as number) * CHUNK_BYTES;
  return fits ? { id, chunks: chunks as number, length: length as number } : undefined;
}

/**
 * Big values: cut into chunks that are written first, so that the commit that makes them visible carries but a pointer.
 * What no pointer leads to is an orphan, which the sweep removes.
 */
export class Chunks {
  /** Longer values are cut. Small enough that one get always brings as many entries as it may name. */
  readonly inlineBytes: number;
  private readonly chunkBytes: number;
  private readonly store: Store;
  private readonly env: Env;
  private readonly partition: string;
  private readonly patienceMs: number;

  constructor(store: Store, env: Env, partition: string, patienceMs: number) {
    const { valueBytes, commitBytes, getBytes, getKeys } = store.limits;
    this.inlineBytes = Math.min(valueBytes, Math.floor(getBytes / getKeys)) - 1;
    this.chunkBytes = Math.min(valueBytes, CHUNK_BYTES, commitBytes - SLACK, getBytes);
    this.store = store;
    this.env = env;
    this.partition = partition;
    this.patienceMs = patienceMs;
  }

  /** An inline value, as an entry holds it; undefined when it is too long for that. */
  inline(bytes: Uint8Array): Uint8Array | undefined {
    if (bytes.byteLength > this.inlineBytes) return undefined;
    // Of the pool that Buffers share: memory of its own would be what costs most of a small value.
    const { buffer, byteOffset, byteLength } = Buffer.allocUnsafe(bytes.byteLength + 1);
    const value = new Uint8Array(buffer, byteOffset, byteLength);
    value[0] = INLINE;
    value.set(bytes, 1);
    return value;
  }

  /**
   * Makes a value fit for an entry, writing its chunks if it is long.
   *
   * @param guard must hold for the chunks to be written: they belong to one incarnation
   * @param inlineBytes longer values are cut
   * @returns undefined when the guard does not hold
   * @throws StoreError
   */
  async write(
    bytes: Uint8Array,
    guard: readonly Check[],
    inlineBytes: number = this.inlineBytes,
  ): Promise<Stored | undefined> {
    const value = bytes.byteLength <= inlineBytes ? this.inline(bytes) : undefined;
    if (value) return { value };
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const stored = await this.writeGroup(bytes, guard);
      if (stored !== 'swept') return stored;
    }
    throw new StoreError(
      'unavailable',
      `a value of ${bytes.byteLength} bytes in ${this.partition} was swept ${TRIES} times before it was complete; is a clock wrong by hours?`,
    );
  }

  private async writeGroup(bytes: Uint8Array, guard: readonly Check[]): Promise<Stored | undefined | 'swept'> {
    const id = this.env.id();
    const manifest = manifestKey(id);
    const chunks = Math.ceil(bytes.byteLength / this.chunkBytes);
    const perCommit = Math.max(
      1,
      Math.min(
        this.store.limits.commitOps - guard.length - 1,
        Math.floor((Math.min(this.store.limits.commitBytes, PER_COMMIT_BYTES) - SLACK) / this.chunkBytes),
      ),
    );
    // Every commit replaces the manifest: its last revision proves that all chunks are there.
    let rev: string | null = null;
    for (let n = 0; n < chunks; ) {
      const puts: Put[] = [{ key: manifest, value: encodeStamp(this.env.now()) }];
      for (const end = Math.min(chunks, n + perCommit); n < end; n++)
        puts.push({ key: chunkKey(id, n), value: bytes.subarray(n * this.chunkBytes, (n + 1) * this.chunkBytes) });
      const own: Check = { key: manifest, rev };
      const commit: Commit = { id: this.env.id(), checks: rev === null ? [...guard, own] : [own], puts };
      const outcome = await commitOnce(
        this.env,
        this.store,
        this.partition,
        commit,
        manifest,
        this.env.mono() + this.patienceMs,
      );
      if (outcome.applied === 'open') throw outcome.error;
      if (!outcome.applied) return rev === null ? undefined : 'swept';
      rev = commit.id;
    }
    const pointer = packr.pack([id, chunks, bytes.byteLength]);
    const value = new Uint8Array(pointer.byteLength + 1);
    value[0] = POINTER;
    value.set(pointer, 1);
    return { value, group: { id, chunks }, check: { key: manifest, rev } };
  }

  /** The group that an entry's value points to. */
  groupOf(value: Uint8Array): ChunkGroup | undefined {
    const pointer = pointerIn(value);
    return pointer && { id: pointer.id, chunks: pointer.chunks };
  }

  /**
   * The bytes behind an entry's value.
   *
   * @returns undefined when chunks are missing: the pointer was replaced meanwhile, or the store is damaged
   */
  async read(value: Uint8Array): Promise<Uint8Array | undefined> {
    if (value[0] === INLINE) return value.subarray(1);
    const pointer = pointerIn(value);
    if (!pointer) return undefined;
    const { id, chunks, length } = pointer;
    const bytes = new Uint8Array(length);
    const { getKeys, getBytes } = this.store.limits;
    const perGet = Math.max(
      1,
      Math.min(getKeys, Math.floor(getBytes / this.chunkBytes), Math.floor((4 * PER_COMMIT_BYTES) / this.chunkBytes)),
    );
    let at = 0;
    for (let n = 0; n < chunks; n += perGet) {
      const keys: Key[] = [];
      for (let i = n; i < Math.min(chunks, n + perGet); i++) keys.push(chunkKey(id, i));
      for (const entry of (await this.store.get(this.partition, keys)).entries) {
        if (!entry?.value || at + entry.value.byteLength > length) return undefined;
        bytes.set(entry.value, at);
        at += entry.value.byteLength;
      }
    }
    return at === length ? bytes : undefined;
  }

  /**
   * Deletes groups that nothing points to any more. A failure leaves orphans for the sweep.
   *
   * @param proof holds only while the pointers are gone: a store that falls back may bring them again before this arrives
   */
  async forget(groups: readonly ChunkGroup[], proof?: Check): Promise<void> {
    const keys = groups.flatMap((group) => [
      manifestKey(group.id),
      ...Array.from({ length: group.chunks }, (_, n) => chunkKey(group.id, n)),
    ]);
    const checks = proof ? [proof] : [];
    const perCommit = this.store.limits.commitOps - 1;
    for (let n = 0; n < keys.length; n += perCommit)
      await this.store.commit(this.partition, { id: this.env.id(), checks, deletes: keys.slice(n, n + perCommit) });
  }
}
