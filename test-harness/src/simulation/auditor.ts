import type { Commit } from '@motion-ts/core/store';
import { type Act, effectOf } from './journal.js';
import {
  type CallRecord,
  groupOf,
  type RootRecord,
  readBatch,
  readChanges,
  readDir,
  readOutcome,
  readProps,
  readRoot,
  readStateKey,
  readStored,
} from './layout.js';
import type { ServerPartition, SimulatedServer } from './server.js';

/** One update, in the queue or run without it. */
export interface QueuedUpdate {
  readonly id: string;
  /** The id of its call. */
  readonly call: string;
  /** What its caller named it. */
  readonly label: string;
  /** Its batch; 0 if it was never queued. */
  readonly seq: number;
  /** What it was asked to do; undefined for a `writeState`. */
  readonly act: Act | undefined;
  /** What a `writeState` changes. */
  readonly changes?: ReadonlyMap<string, unknown>;
}

/** What is known of one life of an instance, from its creation to its end. */
export interface Life {
  readonly partition: string;
  readonly incarnation: string;
  readonly birth: string;
  root: RootRecord;
  rootRev: string;
  log: readonly string[];
  /** The state by the fold of what was consumed. */
  readonly fold: Map<string, unknown>;
  readonly batches: Map<number, readonly QueuedUpdate[]>;
  /** Every update that was ever queued. */
  readonly updates: Map<string, QueuedUpdate>;
  /** The calls that carry a label; more than one if it was redriven. */
  readonly callsOf: Map<string, string[]>;
  /** Outcomes that were committed, also those that were deleted since. */
  readonly outcomes: Map<string, 'dead' | 'discarded'>;
  /** Dead letters that went back into the queue. */
  readonly redriven: Set<string>;
  /** Dead letters that were dropped. */
  readonly dropped: Set<string>;
  ended: boolean;
}

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

/** How the auditor judges times. */
export interface AuditOptions {
  readonly longestDueMs: number;
}

/**
 * Looks at every commit at the moment when it is applied, and asserts the queue's invariants:
 *
 * I1 root's revisions form one chain. I2 the state is the fold of the updates that were consumed and have no outcome. I3
 * what is queued and not consumed is there. I4 queued work is due. I5 and not in a far future. I6 the cursor never goes
 * back. I8 an update takes effect once. (I7, the order of one caller's calls, is the accounting's.)
 */
export class Auditor {
  readonly lives: Map<string, Life> = new Map();
  /** The life that a partition lives now. */
  readonly current: Map<string, Life> = new Map();
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
  /** What updates were asked to do, as they ran: all that is known of one that never was in the queue. */
  readonly acts: Map<string, Act> = new Map();
  private readonly server: SimulatedServer;
  private readonly options: AuditOptions;
  private readonly problem: (text: string) => void;
  private readonly trace: (text: string) => void;

  constructor(
    server: SimulatedServer,
    options: AuditOptions,
    problem: (text: string) => void,
    trace: (text: string) => void,
  ) {
    this.server = server;
    this.options = options;
    this.problem = problem;
    this.trace = trace;
    server.observers.push((partition, commit, after) => this.observe(partition, commit, after));
    server.onRollback.push(() => this.startAgain());
  }

  private observe(name: string, commit: Commit, after: ServerPartition | undefined): void {
    try {
      this.judge(name, commit, after);
    } catch (error) {
      this.problem(`${name}: commit ${commit.id} leaves something unreadable: ${error}`);
    }
  }

  private judge(name: string, commit: Commit, after: ServerPartition | undefined): void {
    const puts = new Map((commit.puts ?? []).map(({ key, value }) => [key, value]));
    const deletes = new Set(commit.deletes);
    if (puts.has('init') && after) this.born(name, commit, after);
    const life = this.current.get(name);
    if (!life) {
      if (commit.appends?.length) this.problem(`${name}: commit ${commit.id} appends to an instance that is not there`);
      if (after && after.seq > 0 && !after.entries.has('gone')) this.problem(`${name}: a queue without an instance`);
      return;
    }
    if (deletes.has('init')) {
      this.trace(`${name} is cleared (${commit.id})`);
      this.counts.clears++;
      life.ended = true;
      this.current.delete(name);
      return;
    }
    if (!after) {
      this.problem(`${name}: was dropped while it had an instance`);
      return;
    }
    if (commit.appends?.length) this.appended(life, commit, after);
    for (const key of deletes) if (key.startsWith('o/')) this.outcomeDeleted(life, key.slice(2), commit);
    const before = life.root;
    const rootBytes = puts.get('root');
    if (rootBytes && !puts.has('init')) this.rootMoved(life, before, readRoot(rootBytes), commit, puts, after);
    else if (!rootBytes) this.assertNoState(life, puts, commit);
    for (const value of puts.values()) if (value[0] === 1 && value.byteLength < 80) this.counts.chunked++;
    this.assertQueue(life, after, commit);
  }

  private born(name: string, commit: Commit, after: ServerPartition): void {
    const root = readRoot(after.entries.get('root')?.value as Uint8Array);
    const birth = String(readStateKey(after, 'birth'));
    const old = this.current.get(name);
    if (old) this.problem(`${name}: was created over a living instance`);
    // After a rollback, a late copy may do again what was undone. And a network that delivers one sending twice, which the
    // contract rules out, may do so with a creation's permit and then with the creation.
    const { rollbacks, lateDuplicates } = this.server.counts;
    if (this.lives.has(commit.id) && rollbacks === 0 && lateDuplicates === 0)
      this.problem(`${name}: incarnation ${commit.id} lives a second time`);
    const life: Life = {
      partition: name,
      incarnation: commit.id,
      birth,
      root,
      rootRev: commit.id,
      log: [],
      fold: new Map<string, unknown>([
        ['birth', birth],
        ['count', 0],
        ['last', ''],
      ]),
      batches: new Map(),
      updates: new Map(),
      callsOf: new Map(),
      outcomes: new Map(),
      redriven: new Set(),
      dropped: new Set(),
      ended: false,
    };
    if (after.seq !== 0) this.problem(`${name}: is born with seq ${after.seq}`);
    this.lives.set(commit.id, life);
    this.current.set(name, life);
    this.trace(`${name} is born: ${birth} (${commit.id})`);
  }

  private appended(life: Life, commit: Commit, after: ServerPartition): void {
    const count = commit.appends?.length ?? 0;
    for (let seq = after.seq - count + 1; seq <= after.seq; seq++) {
      const batch = this.readBatchAt(life, seq, after);
      if (!batch) continue;
      life.batches.set(seq, batch);
      for (const update of batch) this.register(life, update);
      this.trace(`${life.partition} q/${seq} <- ${batch.map((u) => `${u.id}=${u.label}`).join(' ')} (${commit.id})`);
    }
  }

  private register(life: Life, update: QueuedUpdate): void {
    const { id, label, call } = update;
    this.counts.updates++;
    if (life.updates.has(id)) this.problem(`${life.partition}: update ${id} of ${label} comes a second time`);
    life.updates.set(id, update);
    const calls = life.callsOf.get(label) ?? [];
    if (!calls.includes(call)) life.callsOf.set(label, [...calls, call]);
  }

  private readBatchAt({ partition }: Life, seq: number, after: ServerPartition): QueuedUpdate[] | undefined {
    const entry = after.entries.get(`q/${String(seq).padStart(16, '0')}`);
    const bytes = entry && readStored(after, entry.value);
    if (!bytes) {
      this.problem(`${partition}: batch ${seq} is missing, or its chunks are`);
      return undefined;
    }
    return readBatch(bytes).flatMap((call) => {
      const about = aboutCall(call);
      return call.updates.map((_, n) => ({ id: `${call.id}.${n}`, call: call.id, seq, ...about }));
    });
  }

  private outcomeDeleted(life: Life, id: string, commit: Commit): void {
    if (commit.appends?.length) {
      if (life.redriven.has(id) || life.dropped.has(id)) this.problem(`${life.partition}: ${id} is redriven twice`);
      this.counts.redriven++;
      life.redriven.add(id);
    } else if (life.outcomes.get(id) === 'dead') life.dropped.add(id);
  }

  private rootMoved(
    life: Life,
    before: RootRecord,
    root: RootRecord,
    commit: Commit,
    puts: ReadonlyMap<string, Uint8Array>,
    after: ServerPartition,
  ): void {
    const { partition } = life;
    const where = `${partition}: commit ${commit.id}`;
    const check = commit.checks?.find(({ key }) => key === 'root');
    if (check?.rev !== life.rootRev) this.problem(`${where} replaces root without a check of ${life.rootRev} (I1)`);
    if (root.incarnation !== life.incarnation) this.problem(`${where} brings the root of another incarnation`);
    if (root.cursor < before.cursor || (root.cursor === before.cursor && root.index < before.index))
      this.problem(`${where} moves the cursor back, ${at(before)} to ${at(root)} (I6)`);
    if (root.cursor > after.seq) this.problem(`${where} moves the cursor to ${at(root)}, seq is ${after.seq} (I6)`);
    if (root.epoch < before.epoch) this.problem(`${where} moves the epoch back`);
    if (root.epoch > before.epoch) {
      this.counts.acquisitions++;
      if (before.holder !== null) this.counts.takeovers++;
      if (root.holder === before.holder && before.holder !== null && root.epoch === before.epoch)
        this.problem(`${where}: two holders with one epoch`);
    } else if (root.holder !== before.holder && root.holder !== null)
      this.problem(`${where} brings a new holder with the old epoch`);
    if (root.carefulUntil > before.carefulUntil) this.counts.carefulModes++;
    if (root.tries > before.tries) this.counts.retries++;
    life.root = root;
    life.rootRev = commit.id;
    this.consumed(life, before, root, commit, puts, after, where);
  }

  /** What the cursor passed has exactly one effect: its own, or an outcome. */
  private consumed(
    life: Life,
    before: RootRecord,
    root: RootRecord,
    commit: Commit,
    puts: ReadonlyMap<string, Uint8Array>,
    after: ServerPartition,
    where: string,
  ): void {
    const log = puts.has('s/log') ? (readStateKey(after, 'log') as string[] | undefined) : life.log;
    if (!log) {
      this.problem(`${where} leaves the state's log unreadable: chunks are missing`);
      return;
    }
    const expected = [...life.log];
    const changed = new Map<string, unknown>();
    let passed = 0;
    for (const update of passedBetween(life, before, root)) {
      passed++;
      const outcome = puts.get(`o/${update.id}`);
      if (outcome) {
        const { kind } = readOutcome(outcome);
        life.outcomes.set(update.id, kind);
        if (kind === 'dead') this.counts.deadLetters++;
        else this.counts.discarded++;
        continue;
      }
      this.counts.applied++;
      const effect = update.act ? effectOf(update.act, update.id) : (update.changes ?? []);
      if (update.act) {
        expected.push(update.id);
        changed.set('count', expected.length);
        changed.set('last', update.id);
      }
      for (const [key, value] of effect) changed.set(key, value);
    }
    if (isDirect(commit, before)) this.unqueued(life, log, expected, changed, puts, after, where);
    if (passed > 0) {
      this.counts.groups++;
      if (root.index > 0) this.counts.splitBatches++;
      this.trace(`${life.partition} ${at(before)} -> ${at(root)} by ${root.holder ?? before.holder} ${where}`);
    }
    for (const key of puts.keys())
      if (key.startsWith('o/') && !life.outcomes.has(key.slice(2)))
        this.problem(`${where} has an outcome for ${key.slice(2)}, which it does not consume`);
    if (log.length !== expected.length || log.some((id, i) => id !== expected[i])) this.wrongLog(expected, log, where);
    life.log = log;
    for (const [key, value] of changed) {
      if (value === undefined) life.fold.delete(key);
      else life.fold.set(key, value);
      const stored = readStateKey(after, key);
      if (stored !== life.fold.get(key))
        this.problem(`${where}: state.${key} is ${show(stored)}, not ${show(value)} (I2)`);
    }
    for (const key of puts.keys())
      if (key.startsWith('s/') && key !== 's/log' && !changed.has(key.slice(2)))
        this.problem(`${where} writes ${key}, which no update that it consumes changes (I2)`);
  }

  /** A call that ran at once, because nothing was queued: its effect is all that is ever seen of it. */
  private unqueued(
    life: Life,
    log: readonly string[],
    expected: string[],
    changed: Map<string, unknown>,
    puts: ReadonlyMap<string, Uint8Array>,
    after: ServerPartition,
    where: string,
  ): void {
    for (const id of log.slice(expected.length)) {
      const act = this.acts.get(id);
      if (!act) {
        this.problem(`${where}: ${id} took effect, but never ran`);
        return;
      }
      this.counts.direct++;
      this.counts.applied++;
      this.register(life, { id, call: id.slice(0, id.lastIndexOf('.')), label: act.label, seq: 0, act });
      expected.push(id);
      changed.set('count', expected.length);
      changed.set('last', id);
      for (const [key, value] of effectOf(act, id)) changed.set(key, value);
      this.trace(`${life.partition} <- ${id}=${act.label} without a queue ${where}`);
    }
    for (const key of puts.keys()) {
      const name = key.slice(2);
      if (!key.startsWith('s/w') || changed.has(name)) continue;
      const label = String(readStateKey(after, name));
      const changes = new Map([[name, label]]);
      this.register(life, { id: `${label}.0`, call: label, label, seq: 0, act: undefined, changes });
      changed.set(name, label);
    }
  }

  private wrongLog(expected: readonly string[], log: readonly string[], where: string): void {
    const twice = log.find((id, i) => log.indexOf(id) !== i);
    const lost = expected.find((id) => !log.includes(id));
    const extra = log.find((id) => !expected.includes(id));
    this.problem(
      `${where}: ${
        twice !== undefined
          ? `update ${twice} took effect twice (I8)`
          : lost !== undefined
            ? `update ${lost} was consumed without an effect (I2)`
            : extra !== undefined
              ? `update ${extra} took effect without being consumed (I2)`
              : 'the order of the log is not that of the queue (I2)'
      }`,
    );
  }

  private assertNoState(life: Life, puts: ReadonlyMap<string, Uint8Array>, commit: Commit): void {
    for (const key of puts.keys())
      if (key.startsWith('s/') || key === 'dir' || key.startsWith('o/'))
        this.problem(`${life.partition}: commit ${commit.id} writes ${key} without root (I1)`);
  }

  private assertQueue(life: Life, after: ServerPartition, commit: Commit): void {
    const { cursor } = life.root;
    const where = `${life.partition}: after commit ${commit.id}`;
    if (after.seq <= cursor) return;
    if (commit.appends?.length || commit.deletes?.length)
      for (let seq = cursor + 1; seq <= after.seq; seq++)
        if (!after.entries.has(`q/${String(seq).padStart(16, '0')}`))
          this.problem(`${where} q/${seq} is missing, the cursor is at ${cursor} (I3)`);
    if (after.due === null) this.problem(`${where} work is queued, but never due (I4)`);
    else if (commit.due && after.due > this.server.world.now + this.options.longestDueMs)
      this.problem(`${where} work is due in ${after.due - this.server.world.now} ms only (I5)`);
  }

  /** After a rollback: what stands now is where the count begins. */
  private startAgain(): void {
    this.trace('ROLLBACK');
    for (const life of this.lives.values()) life.ended = true;
    for (const name of [...this.current.keys()]) if (!this.server.partitions.has(name)) this.current.delete(name);
    for (const [name, partition] of this.server.partitions) {
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
      life.log = (readStateKey(partition, 'log') as string[] | undefined) ?? [];
      life.fold.clear();
      for (const key of readDir(partition)) if (key !== 'log') life.fold.set(key, readStateKey(partition, key));
      this.rebuild(life, partition);
    }
  }

  private rebuild(life: Life, partition: ServerPartition): void {
    life.batches.clear();
    life.updates.clear();
    life.callsOf.clear();
    life.outcomes.clear();
    life.redriven.clear();
    life.dropped.clear();
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

  /** What must be so once all is quiet. */
  assertQuiet(): void {
    for (const [name, life] of this.current) {
      const partition = this.server.partitions.get(name) as ServerPartition;
      const names = readDir(partition);
      const expected = new Set(['log', ...life.fold.keys()]);
      if (names.length !== expected.size || names.some((key) => !expected.has(key)))
        this.problem(`${name}: the state has the keys ${names}, not ${[...expected]}`);
      for (const [key, value] of life.fold)
        if (readStateKey(partition, key) !== value) this.problem(`${name}: state.${key} is not what the log says (I2)`);
      const consumedButThere = [...partition.entries.keys()].find(
        (key) => key.startsWith('q/') && Number(key.slice(2)) <= life.root.cursor,
      );
      if (consumedButThere) this.problem(`${name}: ${consumedButThere} is consumed, but still there`);
      this.assertOutcomes(life, partition);
      for (const group of this.referencedGroups(partition).missing)
        this.problem(`${name}: the chunks of ${group} are missing`);
    }
  }

  private assertOutcomes(life: Life, partition: ServerPartition): void {
    for (const [id, kind] of life.outcomes) {
      const gone = kind === 'discarded' || life.redriven.has(id) || life.dropped.has(id);
      if (!gone && !partition.entries.has(`o/${id}`)) this.problem(`${life.partition}: dead letter ${id} vanished`);
      if (life.log.includes(id)) this.problem(`${life.partition}: ${id} took effect, and was ${kind} too`);
    }
    if (this.server.counts.rollbacks === 0) {
      const dead = [...life.outcomes.values()].filter((kind) => kind === 'dead').length;
      if (life.root.deadLetters !== dead)
        this.problem(`${life.partition}: root counts ${life.root.deadLetters} dead letters, there were ${dead}`);
    }
  }

  /** Groups of chunks that something points to, and those of them whose chunks are not there. */
  referencedGroups(partition: ServerPartition): { readonly all: Set<string>; readonly missing: string[] } {
    const all = new Set<string>();
    const missing: string[] = [];
    for (const [key, { value }] of partition.entries) {
      const stored = key.startsWith('o/')
        ? readOutcome(value).payload
        : key.startsWith('s/') || key.startsWith('q/')
          ? value
          : undefined;
      const group = stored && groupOf(stored);
      if (!stored || group === undefined) continue;
      all.add(group);
      if (!readStored(partition, stored)) missing.push(`${key} -> ${group}`);
    }
    return { all, missing };
  }
}

/** What a call in the queue was asked to do. */
function aboutCall({ flow, payload }: CallRecord): Pick<QueuedUpdate, 'label' | 'act' | 'changes'> {
  if (flow !== '') {
    const act = readProps(payload) as unknown as Act;
    return { label: act.label, act };
  }
  const changes = readChanges(payload);
  return { label: String([...changes.values()][0]), act: undefined, changes };
}

/** Whether a commit has the effect of a call that is not in the queue: it must prove that the queue is empty. */
function isDirect({ seqIs, puts }: Commit, { cursor }: RootRecord): boolean {
  return seqIs === cursor && (puts ?? []).some(({ key }) => key.startsWith('w/'));
}

/** The updates that a move of the cursor passes, in their order. */
function* passedBetween(life: Life, before: RootRecord, after: RootRecord): Generator<QueuedUpdate> {
  for (let seq = before.cursor + 1; seq <= after.cursor + 1; seq++) {
    const batch = life.batches.get(seq) ?? [];
    const from = seq === before.cursor + 1 ? before.index : 0;
    const to = seq === after.cursor + 1 ? after.index : batch.length;
    yield* batch.slice(from, to);
  }
}

const at = ({ cursor, index }: RootRecord): string => `${cursor}.${index}`;

function show(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 60) ?? 'undefined';
}
