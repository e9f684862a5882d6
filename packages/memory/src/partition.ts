import {
  appendKey,
  type Commit,
  type Entry,
  type Key,
  type Limits,
  type Revision,
  StoreError,
} from '@motion-ts/core/store';

interface Stored {
  readonly rev: Revision;
  readonly value: Uint8Array;
}

/** Everything of one partition. Its methods take arguments that were validated. */
export class Partition {
  readonly name: string;
  readonly entries: Map<Key, Stored> = new Map();
  seq = 0;
  /** When it wants attention, by the store's clock; null: it does not. */
  due: number | null = null;
  /** Whether it ever had appends or a due: only such partitions are scanned for. */
  scanned = false;
  /** The keys in order, for `list`; thrown away whenever a key comes or goes. */
  #ordered: Key[] | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** The keys whose check fails, with `#seq` for `seqIs`; undefined if all hold. */
  failed(commit: Commit): string[] | undefined {
    let failed: string[] | undefined;
    if (commit.checks !== undefined)
      for (const { key, rev } of commit.checks)
        if ((this.entries.get(key)?.rev ?? null) !== rev) {
          failed ??= [];
          failed.push(key);
        }
    if (commit.seqIs !== undefined && commit.seqIs !== this.seq) {
      failed ??= [];
      failed.push('#seq');
    }
    return failed;
  }

  /** Applies a commit whose checks hold, all but `drop`. */
  apply(commit: Commit, now: number): void {
    const { id, puts, appends, deletes, due } = commit;
    if (puts !== undefined) for (const put of puts) this.#put(put.key, id, put.value);
    if (appends !== undefined) for (const value of appends) this.#put(appendKey(++this.seq), id, value);
    if (deletes !== undefined) for (const key of deletes) if (this.entries.delete(key)) this.#ordered = undefined;
    if (due !== undefined) {
      if ('in' in due) this.due = due.in === null ? null : now + due.in;
      else this.due ??= now + due.ifNullIn;
      this.scanned = true;
    }
    if (appends !== undefined && appends.length > 0) this.scanned = true;
  }

  /**
   * Refuses a drop that would leave entries behind: they would turn up again in the partition's next life.
   *
   * @throws StoreError `invalid`
   */
  assertLeavesNothing(commit: Commit): void {
    const deleted = new Set(commit.deletes);
    const survivor =
      commit.puts?.[0]?.key ??
      (commit.appends?.length ? 'an append' : [...this.entries.keys()].find((key) => !deleted.has(key)));
    if (survivor !== undefined)
      throw new StoreError(
        'invalid',
        `drop of ${this.name} would leave ${survivor}: delete every entry in that commit`,
      );
  }

  /** A page of entries, see `Store.list`; cut where the values reach `limits.getBytes`. */
  list(prefix: string, after: Key | undefined, limit: number, limits: Limits): Entry[] {
    this.#ordered ??= [...this.entries.keys()].sort(bytewise);
    const keys = this.#ordered;
    const page: Entry[] = [];
    let bytes = 0;
    const from = after !== undefined && after >= prefix ? firstAtLeast(keys, after) : firstAtLeast(keys, prefix);
    for (let i = from; i < keys.length && page.length < limit && bytes < limits.getBytes; i++) {
      const key = keys[i] as Key;
      if (!key.startsWith(prefix)) break;
      if (key === after) continue;
      const { rev, value } = this.entries.get(key) as Stored;
      bytes += value.byteLength;
      page.push({ key, rev, value: new Uint8Array(value) });
    }
    return page;
  }

  // `new Uint8Array(bytes)` copies; `bytes.slice()` would not if the caller gives a Buffer.
  #put(key: Key, rev: Revision, value: Uint8Array): void {
    const before = this.entries.size;
    this.entries.set(key, { rev, value: new Uint8Array(value) });
    if (this.entries.size !== before) this.#ordered = undefined;
  }
}

/** The index of the first name that is not below `bound`, in an ordered array. */
export function firstAtLeast(ordered: readonly string[], bound: string): number {
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ordered[middle] as string) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Names are ASCII, so comparing UTF-16 units compares bytes. */
export function bytewise(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
