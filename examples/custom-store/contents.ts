import { appendKey, type Commit, type CommitResult, type Key } from '@motion-ts/core/store';

/** A record of the log: a commit as it was asked for, or a change of the cache. Values are in base64. */
export type LogRecord =
  | { readonly by: string; readonly at: number; readonly partition: string; readonly commit: LoggedCommit }
  | { readonly by: string; readonly partition: string; readonly cache: readonly [Key, string, number] | null };

/** A commit as the log has it. */
export type LoggedCommit = Omit<Commit, 'puts' | 'appends'> & {
  readonly puts: readonly { readonly key: Key; readonly value: string }[];
  readonly appends: readonly string[];
};

/** All that is known of one partition. Values stay in base64: decoding one makes the copy that C11 asks for. */
export class Partition {
  readonly entries = new Map<Key, { readonly rev: string; readonly value: string }>();
  seq = 0;
  due: number | null = null;
  /** Whether it ever had appends or a due: only then a scan by prefix lists it. */
  listed = false;
}

/** What the records of the log come to. It depends on nothing but them, so it is the same in every process. */
export class Contents {
  readonly partitions = new Map<string, Partition>();
  readonly cached = new Map<string, Map<Key, { readonly value: string; readonly until: number }>>();

  /** Applies the next record. @returns what its writer is to be told */
  apply(record: LogRecord): CommitResult {
    const { partition } = record;
    if ('commit' in record) return this.#commit(partition, record.commit, record.at);
    if (record.cache === null) this.cached.delete(partition);
    else {
      const [key, value, until] = record.cache;
      const held = this.cached.get(partition) ?? new Map();
      this.cached.set(partition, held.set(key, { value, until }));
    }
    return { ok: true };
  }

  // #region commit
  /** Judged on what all records before it came to: the order of the log is the one order of C2. */
  #commit(name: string, commit: LoggedCommit, at: number): CommitResult {
    const { id, checks = [], seqIs, puts, appends, deletes = [], due, drop } = commit;
    const partition = this.partitions.get(name) ?? new Partition();
    const { entries } = partition;
    const failed = checks.filter(({ key, rev }) => (entries.get(key)?.rev ?? null) !== rev).map(({ key }) => key);
    if (seqIs !== undefined && seqIs !== partition.seq) failed.push('#seq');
    if (failed.length > 0) return { ok: false, failed };
    for (const { key, value } of puts) entries.set(key, { rev: id, value });
    for (const value of appends) entries.set(appendKey(++partition.seq), { rev: id, value });
    for (const key of deletes) entries.delete(key);
    if (due && 'in' in due) partition.due = due.in === null ? null : at + due.in;
    else if (due) partition.due ??= at + due.ifNullIn;
    partition.listed ||= due !== undefined || appends.length > 0;
    if (drop) this.partitions.delete(name);
    else this.partitions.set(name, partition);
    return appends.length > 0 ? { ok: true, seq: partition.seq } : { ok: true };
  }
  // #endregion
}
