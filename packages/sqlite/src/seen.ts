import { appendKey, type Got, type Key, type Revision } from '@motion-ts/core/store';
import type { OwnCommit } from './arguments.js';
import type { Statement } from './connection.js';
import type { Found } from './snapshot.js';

interface Remembered {
  seq: number;
  due: number | null;
  /** null: absent. */
  readonly revisions: Map<Key, Revision | null>;
}

const MAX_PARTITIONS = 10_000;
const MAX_KEYS = 64;

/**
 * Answers a get whose values the caller knows without looking at the tables, a third of the cost.
 *
 * Why an answer is never stale: `PRAGMA data_version` opens a read transaction, as every SELECT does, and its number
 * changes when any other connection committed since it was last asked on this one. So while it stays the same, what was
 * read meanwhile still holds, except for this connection's own commits, and those are recorded here as they are made. It
 * takes that nobody else uses this connection, so it is not used on a caller's.
 */
export class Seen {
  readonly #dataVersion: Statement;
  #version: unknown;
  readonly #partitions: Map<string, Remembered> = new Map();

  constructor(dataVersion: Statement) {
    this.#dataVersion = dataVersion;
  }

  /** What a read would find, if that is certain and takes no value; else undefined. */
  find(
    partition: string,
    keys: readonly Key[],
    known: readonly (Revision | undefined)[] | undefined,
  ): Found | undefined {
    const held = this.#partitions.get(partition);
    if (held === undefined || known === undefined) return undefined;
    const entries: (Got | undefined)[] = [];
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as Key;
      const rev = held.revisions.get(key);
      if (rev === undefined || (rev !== null && rev !== known[i])) return undefined;
      entries.push(rev === null ? undefined : { key, rev });
    }
    const version = this.#dataVersion.get();
    if (version === this.#version) return { seq: held.seq, due: held.due, entries };
    this.#version = version;
    this.#partitions.clear();
    return undefined;
  }

  /** Remembers what was just read. */
  read(partition: string, keys: readonly Key[], found: Found): void {
    let held = this.#partitions.get(partition);
    if (held === undefined) {
      if (this.#partitions.size >= MAX_PARTITIONS) this.#partitions.clear();
      held = { seq: found.seq, due: found.due, revisions: new Map() };
      this.#partitions.set(partition, held);
    }
    held.seq = found.seq;
    held.due = found.due;
    for (let i = 0; i < keys.length; i++) held.revisions.set(keys[i] as Key, found.entries[i]?.rev ?? null);
    if (held.revisions.size > MAX_KEYS) this.#partitions.delete(partition);
  }

  /** Records an own commit that was applied, in the order of the commits. */
  committed(partition: string, commit: OwnCommit, head: { seq: number; due: number | null } | undefined): void {
    const held = this.#partitions.get(partition);
    if (held === undefined) return;
    if (commit.drop) {
      this.#partitions.delete(partition);
      return;
    }
    const { revisions } = held;
    if (head !== undefined) {
      held.seq = head.seq;
      held.due = head.due;
    }
    const { id, puts, appends, deletes } = commit;
    for (const put of puts) if (revisions.has(put.key)) revisions.set(put.key, id);
    for (let i = 0; i < appends.length; i++) {
      // Only absence can be remembered of a key that is appended just now.
      const key = appendKey(held.seq - i);
      if (revisions.has(key)) revisions.set(key, id);
    }
    for (const key of deletes) if (revisions.has(key)) revisions.set(key, null);
  }

  /** Forgets everything: after a commit whose outcome is unknown. */
  forget(): void {
    this.#partitions.clear();
  }
}
