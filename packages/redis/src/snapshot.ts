import { type Entry, type Got, type Key, type Revision, type Snapshot, StoreError } from '@motion-ts/core/store';
import type { Request } from './calls.js';
import { LIMITS } from './layout.js';
import { type Script, scripts } from './scripts/script.js';
import type { ServerClock } from './server-clock.js';
import { revisionWord, type Word } from './words.js';

const SPACE = 0x20;
/** Up to so many keys, plain HMGET does. */
const PLAIN_KEYS = 8;
/** Gets of so few keys, which are the rule, share a request with others: together, their values may be large. */
const SHARED_KEYS = 2;
/** As we know the server's time, its answer's way to us is missing from it. */
const DOUBT_MS = 100;
const NO_VALUES = Buffer.alloc(0);

/**
 * A get. Alone it is a plain HMGET, which brings at most a KiB a key, as large values are elsewhere; the script is for those,
 * for the server's time, and for many at once.
 */
export class GetRequest implements Request<Snapshot> {
  readonly script: Script = scripts.get;
  readonly shares: boolean;
  readonly once: boolean = false;
  readonly node: undefined;
  readonly values: Buffer = NO_VALUES;
  readonly #partition: string;
  readonly #entries: string;
  readonly #wanted: readonly Key[];
  readonly #known: readonly (Revision | undefined)[] | undefined;
  readonly #clock: ServerClock;

  constructor(
    partition: string,
    entries: string,
    wanted: readonly Key[],
    known: readonly (Revision | undefined)[] | undefined,
    clock: ServerClock,
  ) {
    this.#partition = partition;
    // Copies: the caller may change them while they are under way.
    this.#wanted = [...wanted];
    this.#known = known && [...known];
    this.#clock = clock;
    this.#entries = entries;
    this.shares = wanted.length <= SHARED_KEYS;
  }

  get words(): readonly Word[] {
    const words: Word[] = [LIMITS.getBytes, this.#wanted.length];
    for (let i = 0; i < this.#wanted.length; i++) words.push(this.#wanted[i] as Key, revisionWord(this.#known?.[i]));
    return words;
  }

  keys(): readonly string[] {
    return [this.#entries];
  }

  get plain(): readonly [string, ...string[]] | undefined {
    if (this.#wanted.length > PLAIN_KEYS) return undefined;
    return ['hmget', this.#entries, '', ...this.#wanted];
  }

  what(): string {
    return `get of ${this.#wanted.length} keys in ${this.#partition}`;
  }

  /** `<seq> `, or `<seq> <due> <now>`; for each key its entry, nothing if it is absent, an empty one if it is known. */
  read(answer: unknown): Snapshot {
    const found = answer as (Buffer | null)[];
    const entries: (Got | undefined)[] = [];
    for (const [i, key] of this.#wanted.entries()) {
      const entry = found[i + 1];
      if (!entry) entries.push(undefined);
      else if (entry.length === 0) entries.push({ key, rev: this.#known?.[i] as Revision });
      else entries.push(entryIn(this.#partition, key, entry));
    }
    const [seq, due, now] = this.#head(found[0]);
    if (due === undefined) return { seq, dueIn: null, entries };
    this.#clock.set(now as number);
    return { seq, dueIn: due - (now as number), entries };
  }

  /** As {@link read}, but without `<now>`, and with revisions alone for large values: undefined if that does not do. */
  readPlain(answer: unknown): Snapshot | undefined {
    const found = answer as (Buffer | null)[];
    const [seq, due] = this.#head(found[0]);
    const now = due === undefined ? 0 : this.#clock.now();
    if (now === undefined) return undefined;
    // What is due by now would be told as due in a moment: only the server can tell.
    if (due !== undefined && due > now && due - now < DOUBT_MS) return undefined;
    const entries: (Got | undefined)[] = [];
    for (const [i, key] of this.#wanted.entries()) {
      const entry = found[i + 1];
      if (!entry) {
        entries.push(undefined);
        continue;
      }
      const known = this.#known?.[i];
      const space = entry.indexOf(SPACE);
      const rev = entry.toString('latin1', 0, space < 0 ? entry.length - 1 : space);
      if (rev === known) entries.push({ key, rev });
      else if (space < 0) return undefined;
      else entries.push({ key, rev, value: bytesFrom(entry, space + 1) });
    }
    return { seq, dueIn: due === undefined ? null : due - now, entries };
  }

  #head(head: Buffer | null | undefined): readonly [seq: number, due: number | undefined, now?: number] {
    if (!head) return [0, undefined];
    const [seq = '', due, now] = head.toString('latin1').split(' ');
    if (seq === '' || !Number.isSafeInteger(Number(seq)))
      throw new StoreError('corrupt', `the head of ${this.#partition} cannot be read`);
    return due ? [Number(seq), Number(due), Number(now)] : [Number(seq), undefined];
  }
}

/** What the script `list` answered. */
export function entriesOf(answer: unknown, partition: string): Entry[] {
  const page = answer as Buffer[];
  const entries: Entry[] = [];
  for (let i = 0; i < page.length; i += 2)
    entries.push(entryIn(partition, (page[i] as Buffer).toString('latin1'), page[i + 1] as Buffer));
  return entries;
}

function entryIn(partition: string, key: Key, entry: Buffer): Entry {
  const space = entry.indexOf(SPACE);
  if (space < 1) throw new StoreError('corrupt', `${key} in ${partition} holds what the store did not write`);
  return { key, rev: entry.toString('latin1', 0, space), value: bytesFrom(entry, space + 1) };
}

/** A copy: an answer's bytes are part of whatever came over the network with it. */
export function bytesFrom(buffer: Buffer, from: number): Uint8Array {
  return new Uint8Array(buffer.subarray(from));
}
