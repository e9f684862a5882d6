import type { Commit } from '@motion-ts/core/store';
import type { ServerPartition, SimulatedServer } from '../server.js';
import { assertBesideChain, assertChain, assertCursor } from './chain.js';
import { referencedGroups } from './groups.js';
import type { Problem } from './invariants.js';
import { type RootRecord, readOutcome, readRoot } from './layout.js';
import { at, type Life, newLife, type QueuedUpdate, type StateModel, type Step } from './life.js';
import { assertOutcomes, assertOutcomesAreConsumed, consumedBy, outcomeDeleted } from './outcomes.js';
import { assertConsumedIsGone, assertQueue, readUpdates } from './queue.js';

/** What the auditor counts. */
export interface AuditCounts {
  updates: number;
  applied: number;
  discarded: number;
  deadLetters: number;
  redriven: number;
  acquisitions: number;
  takeovers: number;
  carefulModes: number;
  retries: number;
  splitBatches: number;
  chunked: number;
  clears: number;
  groups: number;
  direct: number;
}

/** What an auditor is given. */
export interface AuditOptions<Work, L extends Life<Work>> {
  readonly server: SimulatedServer;
  readonly model: StateModel<Work, L>;
  /** Queued work must be due within so many milliseconds. */
  readonly longestDueMs: (root: RootRecord) => number;
  readonly problem: Problem;
  readonly trace: (text: string) => void;
}

/**
 * Looks at every commit at the moment when it is applied, and asserts the queue's {@link INVARIANTS}. What it must know of
 * a component, for I2, comes from a model; I7, the order of one caller's calls, only who makes the calls can judge.
 */
export class Auditor<Work = unknown, L extends Life<Work> = Life<Work>> {
  readonly lives: Map<string, L> = new Map();
  /** The life that a partition lives now. */
  readonly current: Map<string, L> = new Map();
  readonly counts: AuditCounts = {
    updates: 0,
    applied: 0,
    discarded: 0,
    deadLetters: 0,
    redriven: 0,
    acquisitions: 0,
    takeovers: 0,
    carefulModes: 0,
    retries: 0,
    splitBatches: 0,
    chunked: 0,
    clears: 0,
    groups: 0,
    direct: 0,
  };
  private readonly options: AuditOptions<Work, L>;

  constructor(options: AuditOptions<Work, L>) {
    this.options = options;
    options.server.observers.push((partition, commit, after) => this.observe(partition, commit, after));
    options.server.onRollback.push(() => this.startAgain());
  }

  private observe(name: string, commit: Commit, after: ServerPartition | undefined): void {
    try {
      this.judge(name, commit, after);
    } catch (error) {
      this.options.problem(`${name}: commit ${commit.id} leaves something unreadable: ${error}`);
    }
  }

  private judge(name: string, commit: Commit, after: ServerPartition | undefined): void {
    const { problem, server, longestDueMs, trace } = this.options;
    const puts = new Map((commit.puts ?? []).map(({ key, value }) => [key, value]));
    const deletes = new Set(commit.deletes);
    if (puts.has('init') && after) this.born(name, commit, after);
    const life = this.current.get(name);
    if (!life) {
      if (commit.appends?.length) problem(`${name}: commit ${commit.id} appends to an instance that is not there`);
      if (after && after.seq > 0 && !after.entries.has('gone')) problem(`${name}: a queue without an instance`);
      return;
    }
    if (deletes.has('init')) {
      trace(`${name} is cleared (${commit.id})`);
      this.counts.clears++;
      life.ended = true;
      this.current.delete(name);
      return;
    }
    if (!after) {
      problem(`${name}: was dropped while it had an instance`);
      return;
    }
    if (commit.appends?.length) this.appended(life, commit, after);
    for (const key of deletes)
      if (key.startsWith('o/') && outcomeDeleted(life, key.slice(2), commit, problem)) this.counts.redriven++;
    const root = puts.get('root');
    if (root && !puts.has('init')) {
      const where = `${name}: commit ${commit.id}`;
      this.stepped({ life, before: life.root, root: readRoot(root), commit, puts, after, where });
    } else if (!root) assertBesideChain(life, puts, commit, problem);
    for (const value of puts.values()) if (value[0] === 1 && value.byteLength < 80) this.counts.chunked++;
    assertQueue(life, after, commit, server, longestDueMs, problem);
  }

  private born(name: string, commit: Commit, after: ServerPartition): void {
    const { problem, server, model, trace } = this.options;
    const root = readRoot(after.entries.get('root')?.value as Uint8Array);
    if (this.current.has(name)) problem(`${name}: was created over a living instance`);
    // After a rollback, a late copy may do again what was undone. And a network that delivers one sending twice, which the
    // contract rules out, may do so with a creation's permit and then with the creation.
    const { rollbacks, lateDuplicates } = server.counts;
    if (this.lives.has(commit.id) && rollbacks === 0 && lateDuplicates === 0)
      problem(`${name}: incarnation ${commit.id} lives a second time`, 'I8');
    const fresh = model.born(newLife<Work>(name, commit.id, root), after);
    // Who has it open goes on with it, as its incarnation is the same.
    const before = this.lives.get(commit.id);
    const life = before ? Object.assign(before, fresh) : fresh;
    if (after.seq !== 0) problem(`${name}: is born with seq ${after.seq}`);
    this.lives.set(commit.id, life);
    this.current.set(name, life);
    trace(`${name} is born (${commit.id})`);
  }

  private appended(life: L, commit: Commit, after: ServerPartition): void {
    const count = commit.appends?.length ?? 0;
    for (let seq = after.seq - count + 1; seq <= after.seq; seq++) {
      const batch = this.readBatchAt(life, seq, after);
      if (!batch) continue;
      life.batches.set(seq, batch);
      for (const update of batch) this.register(life, update);
      const told = batch.map(({ id, label }) => `${id}=${label}`).join(' ');
      this.options.trace(`${life.partition} q/${seq} <- ${told} (${commit.id})`);
    }
  }

  private readBatchAt(life: L, seq: number, partition: ServerPartition): QueuedUpdate<Work>[] | undefined {
    const batch = readUpdates(partition, seq, (call) => this.options.model.about(call));
    if (!batch) this.options.problem(`${life.partition}: batch ${seq} is missing, or its chunks are`, 'I3');
    return batch;
  }

  /** An update is seen for the first time, in the queue or by its effect. */
  private register(life: L, update: QueuedUpdate<Work>): void {
    const { id, label, call } = update;
    this.counts.updates++;
    if (life.updates.has(id))
      this.options.problem(`${life.partition}: update ${id} of ${label} comes a second time`, 'I8');
    life.updates.set(id, update);
    const calls = life.callsOf.get(label) ?? [];
    if (!calls.includes(call)) life.callsOf.set(label, [...calls, call]);
  }

  private stepped(step: Step<L>): void {
    const { problem, model, trace } = this.options;
    const { life, before, root, commit, where } = step;
    assertChain(step, problem);
    assertCursor(step, problem);
    this.countStep(step);
    life.root = root;
    life.rootRev = commit.id;
    const consumed = consumedBy<Work, L>(step);
    for (const { outcome } of consumed) {
      if (outcome === undefined) this.counts.applied++;
      else if (outcome === 'dead') this.counts.deadLetters++;
      else this.counts.discarded++;
    }
    const direct = model.stepped(step, consumed, isDirect(commit, before.cursor));
    for (const update of direct) {
      this.counts.direct++;
      this.counts.applied++;
      this.register(life, update);
      trace(`${life.partition} <- ${update.id}=${update.label} without a queue ${where}`);
    }
    assertOutcomesAreConsumed(step, problem);
    if (consumed.length === 0) return;
    this.counts.groups++;
    if (root.index > 0) this.counts.splitBatches++;
    trace(`${life.partition} ${at(before)} -> ${at(root)} by ${root.holder ?? before.holder} ${where}`);
  }

  private countStep({ before, root }: Step<L>): void {
    if (root.epoch > before.epoch) {
      this.counts.acquisitions++;
      if (before.holder !== null) this.counts.takeovers++;
    }
    if (root.carefulUntil > before.carefulUntil) this.counts.carefulModes++;
    if (root.tries > before.tries) this.counts.retries++;
  }

  /** After a rollback: what stands now is where the count begins. */
  private startAgain(): void {
    const { server, model, trace } = this.options;
    trace('ROLLBACK');
    for (const life of this.lives.values()) life.ended = true;
    for (const name of [...this.current.keys()]) if (!server.partitions.has(name)) this.current.delete(name);
    for (const [name, partition] of server.partitions) {
      const init = partition.entries.get('init');
      const root = partition.entries.get('root');
      if (!init || !root) {
        this.current.delete(name);
        continue;
      }
      const life = this.lives.get(init.rev);
      if (!life) throw new Error(`${name}: a rollback to an unknown incarnation`);
      this.current.set(name, life);
      life.ended = false;
      life.root = readRoot(root.value);
      life.rootRev = root.rev;
      model.restarted(life, partition);
      this.rebuild(life, partition);
    }
  }

  private rebuild(life: L, partition: ServerPartition): void {
    for (const known of [life.batches, life.updates, life.callsOf, life.outcomes, life.redriven, life.dropped])
      known.clear();
    for (const [key, { value }] of partition.entries)
      if (key.startsWith('o/')) life.outcomes.set(key.slice(2), readOutcome(value).kind);
    for (let seq = life.root.cursor + 1; seq <= partition.seq; seq++) {
      const batch = this.readBatchAt(life, seq, partition);
      if (!batch) continue;
      life.batches.set(seq, batch);
      for (const update of batch) life.updates.set(update.id, update);
      for (const { call, label } of batch) life.callsOf.set(label, [call]);
    }
  }

  /** Whether nothing is queued or under way. */
  get isQuiet(): boolean {
    return this.restless().length === 0;
  }

  /** The instances where something is queued or under way. */
  restless(): string[] {
    const found: string[] = [];
    for (const [name, { root }] of this.current) {
      const partition = this.options.server.partitions.get(name);
      if (partition && (root.cursor < partition.seq || root.holder !== null || partition.due !== null))
        found.push(name);
    }
    return found;
  }

  /** What must be so once all is quiet. */
  assertQuiet(): void {
    const { server, model, problem } = this.options;
    for (const [name, life] of this.current) {
      const partition = server.partitions.get(name) as ServerPartition;
      model.quiet(life, partition);
      assertConsumedIsGone(life, partition, problem);
      assertOutcomes(life, partition, server.counts.rollbacks === 0, problem);
      for (const group of referencedGroups(partition).missing) problem(`${name}: the chunks of ${group} are missing`);
    }
  }
}

/** Whether a commit has the effect of a call that is not in the queue: it must prove that the queue is empty. */
function isDirect({ seqIs, puts }: Commit, cursor: number): boolean {
  return seqIs === cursor && (puts ?? []).some(({ key }) => key.startsWith('w/'));
}
