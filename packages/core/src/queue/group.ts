import { MotionError } from '../errors.js';
import type { ChunkGroup, Stored } from '../state/chunks.js';
import { Committed, type StateEntry, stateEntry } from '../state/committed.js';
import { dirBytes, mostDirBytes, namesAfter } from '../state/dir.js';
import { DIR, INIT, outcomeKey, stateKey } from '../state/keys.js';
import {
  type Call,
  type Changes,
  encodeDir,
  encodeOutcome,
  type Outcome,
  type Root,
  updateId,
} from '../state/records.js';
import { appendKey } from '../store/arguments.js';
import type { Check, Key, Put, Revision } from '../store/contract.js';
import type { QueueContext, Turn, UpdatePolicy } from './context.js';
import { backoffOf, isHopeless, storedError } from './failure.js';

/** A batch as it came from the queue, or went there. */
export interface LoadedBatch {
  readonly seq: number;
  /** The id of the commit that appended it; undefined: it is not queued yet. */
  readonly rev: Revision | undefined;
  readonly calls: readonly Call[];
  /** Its chunks, if it was too long for one entry. */
  readonly group?: ChunkGroup;
}

/** One update within a batch. */
export interface Item {
  readonly call: Call;
  readonly id: string;
  readonly update: string;
}

/** The updates of a batch, in the order in which they run. */
export function itemsOf(batch: LoadedBatch): Item[] {
  const [first, ...more] = batch.calls;
  if (first && more.length === 0 && first.updates.length === 1)
    return [{ call: first, id: updateId(first.id, 0), update: first.updates[0] as string }];
  return batch.calls.flatMap((call) => call.updates.map((update, n) => ({ call, id: updateId(call.id, n), update })));
}

/** What a commit of the holder needs for itself: root, dir, the batch it is in, a writer's slot and its incarnation. */
const OWN_OPS = 6;
const OWN_BYTES = 8_192;
const OWN_SHARE = 1 / 8;

/** What a group of updates will change, before it is committed: a working copy that nobody else sees. */
export class Group {
  cursor: number;
  index: number;
  tries: number;
  /** Updates taken from the queue so far. */
  count = 0;
  /** Set when the next update failed and will be tried again after so many milliseconds. */
  retryInMs: number | undefined;
  readonly outcomes: Map<string, Outcome> = new Map();
  /** The updates that were run, or dropped, for this commit; the last one may have failed. */
  readonly ran: Set<string> = new Set();
  /** Chunks that the commit leaves without a pointer. */
  readonly garbage: ChunkGroup[] = [];
  private readonly queue: QueueContext;
  private readonly base: Committed;
  /** What updates changed: the newest value of each key, null for a key that goes. */
  private readonly changed = new Map<string, { readonly bytes: Uint8Array; readonly entry: StateEntry } | null>();
  /** The working copy: made at the first change. */
  private entries: Map<string, StateEntry> | undefined;
  private working: Committed;
  private readonly checks: Check[] = [];
  /** Hold while the chunks are there to which the commit's values point. */
  private readonly chunkChecks: Check[] = [];
  private readonly bigKeys = new Set<string>();
  private readonly deletes: Key[] = [];
  private bytes = 0;
  private dirBytes = 0;
  private deadLetters = 0;
  private namesChanged = false;

  constructor(queue: QueueContext, base: Committed, root: Root) {
    this.queue = queue;
    this.base = base;
    this.working = base;
    this.cursor = root.cursor;
    this.index = root.index;
    this.tries = root.tries;
  }

  /** The state as the next update sees it. */
  get state(): Readonly<Record<string, unknown>> {
    return this.working.state;
  }

  /** Whether the commit has room for one more update that changes nothing big. */
  get hasRoom(): boolean {
    return this.roomFor(1, 0, this.dirBytes) === 'yes';
  }

  /**
   * Whether the commit has room for what an update changed; `alone`: only without the others; `names`: the state would have
   * more keys than one entry can name.
   */
  canTake(changes: Changes): 'yes' | 'alone' | 'never' | 'names' {
    const dir = this.dirBytesAfter(changes);
    if (dir > mostDirBytes(this.queue.store.limits)) return 'names';
    const { inlineBytes } = this.queue.chunks;
    let ops = 1;
    let bytes = 0;
    for (const [name, value] of changes) {
      if (!this.changed.has(name)) ops++;
      if (!value) continue;
      bytes += stateKey(name).length + Math.min(value.byteLength, inlineBytes);
      if (value.byteLength > inlineBytes && !this.bigKeys.has(name)) ops++;
    }
    return this.roomFor(ops, bytes, dir);
  }

  /** What the names of the state's keys will take in the commit: 0 as long as they stay as they are. */
  private dirBytesAfter(changes: Changes): number {
    const names = namesAfter(this.entries ?? this.base.entries, changes);
    return names ? dirBytes(names) : this.dirBytes;
  }

  private roomFor(ops: number, bytes: number, dir: number): 'yes' | 'alone' | 'never' {
    const { commitOps, commitBytes } = this.queue.store.limits;
    const taken = this.changed.size + this.bigKeys.size + this.deletes.length + 2 * this.outcomes.size;
    if (OWN_OPS + taken + ops <= commitOps && this.bytes + bytes + dir <= commitBytes / 2) return 'yes';
    return OWN_OPS + ops <= commitOps && bytes + dir <= commitBytes - Math.min(OWN_BYTES, commitBytes * OWN_SHARE)
      ? 'alone'
      : 'never';
  }

  /** An update is done: its changes are part of the working copy. */
  apply(changes: Changes): void {
    const { codec, chunks } = this.queue;
    // All of it is decoded before any of it counts: a value that the codec cannot bring back fails the whole update.
    const decoded: [string, { readonly bytes: Uint8Array; readonly entry: StateEntry } | null][] = [];
    for (const [name, bytes] of changes)
      decoded.push([name, bytes && { bytes, entry: stateEntry('', bytes, undefined, codec) }]);
    this.count++;
    this.index++;
    this.tries = 0;
    if (decoded.length === 0) return;
    this.dirBytes = this.dirBytesAfter(changes);
    this.entries ??= new Map(this.base.entries);
    for (const [name, change] of decoded) {
      this.changed.set(name, change);
      if (change && change.bytes.byteLength > chunks.inlineBytes) this.bigKeys.add(name);
      else this.bigKeys.delete(name);
      if (change) {
        this.bytes += Math.min(change.bytes.byteLength, chunks.inlineBytes);
        this.entries.set(name, change.entry);
      } else this.entries.delete(name);
    }
    const { rootRev, root, dirRev } = this.base;
    this.working = new Committed(rootRev, root, dirRev, this.entries, codec);
  }

  /** An update was dropped by its policy. */
  discard(item: Item, why: 'age' | 'newer'): void {
    this.outcomes.set(item.id, { kind: 'discarded', why, at: this.queue.env.now(), seq: this.cursor + 1 });
    this.pass();
  }

  /** An update failed: it is tried again, or becomes a dead letter. */
  async fail(turn: Turn, error: unknown, policy: UpdatePolicy): Promise<void> {
    const tries = this.tries + 1;
    const dead = tries >= policy.attempts || isHopeless(error);
    this.queue.events.failed(turn, error, dead);
    if (dead) await this.bury(turn, error, tries);
    else {
      this.tries = tries;
      this.retryInMs = backoffOf(policy, tries);
    }
  }

  /** An update becomes a dead letter, with its payload, so that it can be redriven. */
  async bury(
    { id, flow, update, call }: Omit<Turn, 'attempt' | 'epoch' | 'cancellation'>,
    error: unknown,
    tries: number,
  ): Promise<void> {
    // Half of what an entry may take for the error, a quarter for the payload: the rest is names and numbers.
    const { inlineBytes } = this.queue.chunks;
    const payload = await this.store(call.payload, Math.floor(inlineBytes / 4));
    const outcome: Outcome = {
      kind: 'dead',
      flow,
      update,
      error: storedError(error, inlineBytes / 2),
      tries,
      queuedAt: call.at,
      at: this.queue.env.now(),
      seq: this.cursor + 1,
      payload: payload.value,
    };
    this.outcomes.set(id, outcome);
    this.bytes += encodeOutcome(outcome).byteLength;
    this.deadLetters++;
    this.pass();
  }

  private pass(): void {
    this.count++;
    this.index++;
    this.tries = 0;
  }

  /** The updates of a batch run: that counts only while this very batch stands in the queue. */
  beginBatch({ seq, rev }: LoadedBatch): void {
    if (rev !== undefined) this.checks.push({ key: appendKey(seq), rev });
  }

  /** All updates of the batch behind the cursor are done. */
  finishBatch(batch: LoadedBatch): void {
    this.cursor++;
    this.index = 0;
    this.deletes.push(appendKey(batch.seq));
    if (batch.group) this.garbage.push(batch.group);
  }

  /** Whether any update changed the state. */
  get hasChanges(): boolean {
    return this.changed.size > 0;
  }

  /** Whether there is anything to commit. */
  isEmpty(root: Root): boolean {
    return this.cursor === root.cursor && this.index === root.index && this.tries === root.tries;
  }

  /**
   * The root after the commit.
   *
   * @param queued false: its updates were not in the queue, so the cursor stays where it is
   */
  nextRoot(root: Root, queued = true): Root {
    const cursor = queued ? this.cursor : root.cursor;
    const index = queued ? this.index : root.index;
    const progress = cursor !== root.cursor || index !== root.index;
    return {
      incarnation: root.incarnation,
      holder: this.retryInMs === undefined ? root.holder : null,
      epoch: root.epoch,
      beat: root.beat + 1,
      cursor,
      index,
      version: this.changed.size > 0 ? root.version + 1 : root.version,
      tries: this.tries,
      deadLetters: root.deadLetters + this.deadLetters,
      carefulUntil: root.carefulUntil,
      running: progress || this.retryInMs !== undefined ? null : root.running,
      crashes: progress ? 0 : root.crashes,
      sweptAt: root.sweptAt,
    };
  }

  /** Writes the chunks of big values, and gives the commit that makes the group visible. */
  async prepare(): Promise<{ checks: Check[]; puts: Put[]; deletes: Key[] }> {
    const puts: Put[] = [];
    const { checks, deletes } = this;
    let namesChanged = false;
    for (const [name, change] of this.changed) {
      const old = this.base.entries.get(name);
      if (old?.group) this.garbage.push(old.group);
      if ((old === undefined) !== (change === null)) namesChanged = true;
      if (change) {
        const stored = await this.store(change.bytes);
        puts.push({ key: stateKey(name), value: stored.value });
        change.entry.group = stored.group;
      } else if (old) deletes.push(stateKey(name));
    }
    if (namesChanged) puts.push({ key: DIR, value: encodeDir([...this.working.entries.keys()]) });
    this.namesChanged = namesChanged;
    for (const [id, outcome] of this.outcomes) puts.push({ key: outcomeKey(id), value: encodeOutcome(outcome) });
    return { checks: [...checks, ...this.chunkChecks], puts, deletes };
  }

  /** Should the lease be lost meanwhile, the chunks are orphans, which the sweep finds. */
  private async store(bytes: Uint8Array, inlineBytes?: number): Promise<Stored> {
    const incarnation: Check = { key: INIT, rev: this.base.root.incarnation };
    const stored = await this.queue.chunks.write(bytes, [incarnation], inlineBytes);
    if (stored?.check) this.chunkChecks.push(stored.check);
    if (stored) return stored;
    throw new MotionError('LEASE_LOST', `${this.queue.what} was cleared while its updates ran`);
  }

  /** The committed state, once the commit has a revision. */
  committed(rev: string, root: Root): Committed {
    for (const change of this.changed.values()) if (change) change.entry.rev = rev;
    return this.working.withRoot(rev, root, this.namesChanged ? rev : this.base.dirRev);
  }
}
