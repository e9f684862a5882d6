import {
  appendKey,
  type Commit,
  type CommitResult,
  type Entry,
  type Got,
  type Limits,
  type ScanQuery,
  type Snapshot,
  StoreError,
  shardOf,
} from '@motion-ts/core/store';
import type { World } from './world.js';

/** One entry at the server. Its bytes are never changed. */
export interface StoredEntry {
  readonly rev: string;
  readonly value: Uint8Array;
}

/** One partition at the server. */
export interface ServerPartition {
  readonly entries: Map<string, StoredEntry>;
  seq: number;
  /** By virtual time. */
  due: number | null;
  /** Whether it ever had appends or a due. */
  scanned: boolean;
}

/** Sees every commit that was applied. `after` is undefined when the partition was dropped. */
export type CommitObserver = (partition: string, commit: Commit, after: ServerPartition | undefined) => void;

/** What a server counts. */
export interface ServerCounts {
  commits: number;
  conflicts: number;
  refusedReleases: number;
  lateDuplicates: number;
  unknown: number;
  unknownButApplied: number;
  rollbacks: number;
}

/** How long the past of `due` is kept, for scans that lag. */
const LONGEST_LAG = 3_000;

/** The one server behind all simulated stores. What arrives is applied at once; delays and losses are on the way. */
export class SimulatedServer {
  readonly world: World;
  readonly limits: Limits;
  readonly partitions: Map<string, ServerPartition> = new Map();
  readonly observers: CommitObserver[] = [];
  readonly listeners: Set<(partition: string) => void> = new Set();
  /** Called after a rollback: what was seen may never have been. */
  readonly onRollback: (() => void)[] = [];
  readonly counts: ServerCounts = {
    commits: 0,
    conflicts: 0,
    refusedReleases: 0,
    lateDuplicates: 0,
    unknown: 0,
    unknownButApplied: 0,
    rollbacks: 0,
  };
  private readonly dues = new Map<string, { readonly at: number; readonly due: number | null }[]>();

  constructor(world: World, limits: Limits) {
    this.world = world;
    this.limits = limits;
  }

  commit(name: string, commit: Commit): CommitResult {
    const partition = this.partitions.get(name) ?? { entries: new Map(), seq: 0, due: null, scanned: false };
    const failed = (commit.checks ?? [])
      .filter(({ key, rev }) => (partition.entries.get(key)?.rev ?? null) !== rev)
      .map(({ key }) => key);
    if (commit.seqIs !== undefined && commit.seqIs !== partition.seq) failed.push('#seq');
    if (failed.length > 0) {
      this.counts.conflicts++;
      if (failed[0] === '#seq') this.counts.refusedReleases++;
      this.world.note(`refused ${commit.id}`);
      return { ok: false, failed };
    }
    if (commit.drop) this.assertLeavesNothing(name, partition, commit);
    this.apply(partition, commit);
    if (commit.drop) this.partitions.delete(name);
    else this.partitions.set(name, partition);
    this.noteDue(name);
    this.counts.commits++;
    this.world.note(commit.id);
    for (const observe of this.observers) observe(name, commit, this.partitions.get(name));
    for (const tell of this.listeners) tell(name);
    return commit.appends?.length ? { ok: true, seq: partition.seq } : { ok: true };
  }

  private apply(partition: ServerPartition, { id, puts, appends, deletes, due }: Commit): void {
    const { now } = this.world;
    for (const { key, value } of puts ?? []) partition.entries.set(key, { rev: id, value });
    for (const value of appends ?? []) partition.entries.set(appendKey(++partition.seq), { rev: id, value });
    for (const key of deletes ?? []) partition.entries.delete(key);
    if (due && 'in' in due) partition.due = due.in === null ? null : now + due.in;
    else if (due) partition.due ??= now + due.ifNullIn;
    if (due || appends?.length) partition.scanned = true;
  }

  private assertLeavesNothing(name: string, partition: ServerPartition, commit: Commit): void {
    const deleted = new Set(commit.deletes);
    const left =
      commit.puts?.[0]?.key ??
      (commit.appends?.length ? 'an append' : [...partition.entries.keys()].find((key) => !deleted.has(key)));
    if (left !== undefined) throw new StoreError('invalid', `drop of ${name} would leave ${left}`);
  }

  get(name: string, keys: readonly string[], known: readonly (string | undefined)[] | undefined): Snapshot {
    const partition = this.partitions.get(name);
    let bytes = 0;
    const entries = keys.map((key, i): Got | undefined => {
      const entry = partition?.entries.get(key);
      if (!entry) return undefined;
      if (known?.[i] === entry.rev) return { key, rev: entry.rev };
      bytes += entry.value.byteLength;
      return { key, rev: entry.rev, value: new Uint8Array(entry.value) };
    });
    if (bytes > this.limits.getBytes)
      throw new StoreError('too_large', `get of ${keys.length} keys in ${name} brings ${bytes} bytes`);
    const due = partition?.due ?? null;
    return { seq: partition?.seq ?? 0, dueIn: due === null ? null : due - this.world.now, entries };
  }

  /** All entries below a prefix and behind a key, in order. */
  range(name: string, prefix: string, after: string | undefined): Entry[] {
    return [...(this.partitions.get(name)?.entries ?? [])]
      .filter(([key]) => key.startsWith(prefix) && (after === undefined || key > after))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { rev, value }]) => ({ key, rev, value: new Uint8Array(value) }));
  }

  /** The partitions that a scan finds, as of an earlier moment. */
  scan(query: ScanQuery, lag: number): string[] {
    if ('prefix' in query)
      return [...this.partitions]
        .filter(([name, { scanned }]) => scanned && name.startsWith(query.prefix))
        .map(([name]) => name)
        .sort();
    const { now } = this.world;
    const found: { readonly name: string; readonly due: number }[] = [];
    for (const [name, past] of this.dues) {
      let { due } = past[0] as { due: number | null };
      for (const change of past) if (change.at <= now - lag) due = change.due;
      const inShard = query.shard === undefined || shardOf(name, query.shard[1]) === query.shard[0];
      if (due !== null && due <= now && inShard) found.push({ name, due });
    }
    return found.sort((a, b) => a.due - b.due || (a.name < b.name ? -1 : 1)).map(({ name }) => name);
  }

  private noteDue(name: string): void {
    const { now } = this.world;
    const due = this.partitions.get(name)?.due ?? null;
    const past = this.dues.get(name) ?? [{ at: 0, due: null }];
    this.dues.set(name, past);
    if (past.at(-1)?.due !== due) past.push({ at: now, due });
    while ((past[1]?.at ?? now) < now - LONGEST_LAG) past.shift();
  }

  /** What a replica would know by now: give it to {@link restore}. */
  save(): Map<string, ServerPartition> {
    return new Map(
      [...this.partitions].map(([name, partition]) => [
        name,
        { ...partition, entries: new Map(partition.entries) } satisfies ServerPartition,
      ]),
    );
  }

  /** A replica takes over: every partition is back at an earlier moment of its own history. */
  restore(saved: ReadonlyMap<string, ServerPartition>): void {
    this.counts.rollbacks++;
    this.partitions.clear();
    for (const [name, partition] of saved)
      this.partitions.set(name, { ...partition, entries: new Map(partition.entries) });
    for (const name of new Set([...this.dues.keys(), ...this.partitions.keys()])) this.noteDue(name);
    for (const tell of this.onRollback) tell();
  }
}
