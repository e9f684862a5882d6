import { createHash, type Hash } from 'node:crypto';
import { MotionError } from '../errors.js';
import { DIR, IDEMPOTENCY, OUTCOMES, stateKey } from '../state/keys.js';
import { decodeDir, decodeOutcome, encodeOutcome, encodeRoot, type Outcome, type Root } from '../state/records.js';
import { appendKey } from '../store/arguments.js';
import type { Entry, Got, Key } from '../store/contract.js';
import type { Head, Place } from './place.js';

/** One part of an instance, as it means the same in any store: big values in one piece, places relative to the cursor. */
export type Item =
  | { readonly kind: 'names'; readonly bytes: Uint8Array }
  | { readonly kind: 'state'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: 'batch'; readonly bytes: Uint8Array }
  | { readonly kind: 'outcome'; readonly name: string; readonly bytes: Uint8Array; readonly outcome: Outcome }
  | { readonly kind: 'idempotency'; readonly name: string; readonly bytes: Uint8Array };

/** The instance changed while it was read. */
export class Changed extends Error {}

const PAGE = 64;

/**
 * All that an instance is, apart from its head, in one order. Slots of writers and chunks are not part of it: they belong to
 * one store.
 *
 * @throws Changed if something is missing: of an instance that is in use that is no wonder
 */
export async function* contentOf(place: Place, { root, seq }: Head): AsyncGenerator<Item> {
  const { chunks, what } = place;
  const whole = async (key: Key, value: Uint8Array | undefined): Promise<Uint8Array> => {
    const bytes = value && (await chunks.read(value));
    if (!bytes) throw new Changed(`the entry '${key}' of ${what} is missing or damaged, or a part of it is`);
    return bytes;
  };
  const [dir] = await getAll(place, [DIR]);
  if (!dir?.value) throw new Changed(`the entry 'dir' of ${what} is missing`);
  yield { kind: 'names', bytes: dir.value };
  const names = decodeDir(dir.value, what);
  for (let n = 0; n < names.length; n += PAGE) {
    const page = names.slice(n, n + PAGE);
    for (const [i, entry] of (await getAll(place, page.map(stateKey))).entries()) {
      const name = page[i] as string;
      yield { kind: 'state', name, bytes: await whole(stateKey(name), entry?.value) };
    }
  }
  for (let from = root.cursor + 1; from <= seq; from += PAGE) {
    const keys = Array.from({ length: Math.min(PAGE, seq - from + 1) }, (_, i) => appendKey(from + i));
    for (const [i, entry] of (await getAll(place, keys)).entries())
      yield { kind: 'batch', bytes: await whole(keys[i] as Key, entry?.value) };
  }
  for await (const { key, value } of listAll(place, OUTCOMES)) {
    const name = key.slice(OUTCOMES.length);
    const stored = decodeOutcome(value, `the outcome of update ${name} of ${what}`);
    const relative = { ...stored, seq: stored.seq - root.cursor };
    const outcome = relative.kind === 'dead' ? { ...relative, payload: await whole(key, relative.payload) } : relative;
    yield { kind: 'outcome', name, bytes: encodeOutcome(outcome), outcome };
  }
  for await (const { key, value } of listAll(place, IDEMPOTENCY))
    yield { kind: 'idempotency', name: key.slice(IDEMPOTENCY.length), bytes: value };
}

/** The root as it means the same in any store. Whoever was at work counts as dead: an update of his may have been why. */
export function relativeRoot({ root, seq }: Head): Root {
  const careful = root.holder === null ? root.carefulUntil : Math.max(root.carefulUntil, seq);
  const carefulUntil = Math.max(0, careful - root.cursor);
  return { ...root, incarnation: '', holder: null, beat: 0, cursor: 0, carefulUntil };
}

/** SHA-256 of an instance: equal for a copy, whatever store it is in. */
export class Digest {
  /** Bytes of the values. */
  bytes = 0;
  private readonly hash: Hash = createHash('sha256');

  constructor(head: Head) {
    this.field(head.init);
    this.field(encodeRoot(relativeRoot(head)));
  }

  add(item: Item): void {
    this.field(Buffer.from(`${item.kind} ${'name' in item ? item.name : ''}`));
    this.field(item.bytes);
    this.bytes += item.bytes.byteLength;
  }

  hex(): string {
    return this.hash.digest('hex');
  }

  private field(bytes: Uint8Array): void {
    this.hash.update(`${bytes.byteLength}:`).update(bytes);
  }
}

/**
 * The dead letters that there are, as one text. They are dropped without a change of root; but as long as root and seq stay,
 * none comes: when this text is the same later, it was the same all the time.
 */
export async function deadLettersOf(place: Place, { root }: Head): Promise<string> {
  if (root.deadLetters === 0) return '';
  const hash = createHash('sha256');
  for await (const { key, rev } of listAll(place, OUTCOMES)) hash.update(`${key} ${rev} `);
  return hash.digest('hex');
}

/** What is missing from an instance that nobody can change is lost. */
export function corrupt({ what }: Place, changed: Changed): MotionError {
  return new MotionError('CORRUPT', `${what} is damaged in the store: ${changed.message}`);
}

async function getAll({ store, partition }: Place, keys: readonly Key[]): Promise<(Got | undefined)[]> {
  const { getKeys } = store.limits;
  const all: (Got | undefined)[] = [];
  for (let n = 0; n < keys.length; n += getKeys)
    all.push(...(await store.get(partition, keys.slice(n, n + getKeys))).entries);
  return all;
}

async function* listAll({ store, partition }: Place, prefix: string): AsyncGenerator<Entry> {
  for (let after: Key | undefined; ; ) {
    const range = { prefix, limit: PAGE, ...(after !== undefined && { after }) };
    const page: readonly Entry[] = await store.list(partition, range);
    yield* page;
    after = page.at(-1)?.key;
    if (after === undefined) return;
  }
}
