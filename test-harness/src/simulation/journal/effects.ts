import type { Auditor } from '../audit/auditor.js';
import type { Problem } from '../audit/invariants.js';
import { type CallRecord, readChanges, readDir, readProps, readStateKey } from '../audit/layout.js';
import type { Consumed, Life, QueuedUpdate, StateModel, Step } from '../audit/life.js';
import type { ServerPartition, SimulatedServer } from '../server.js';
import { type Act, effectOf } from './journal.js';

/** What an update of the journal was asked to do. */
export interface JournalWork {
  /** Undefined for a `writeState`. */
  readonly act: Act | undefined;
  /** What a `writeState` changes. */
  readonly changes?: ReadonlyMap<string, unknown>;
}

/** A journal's life: all that its state must be can be told from what was queued. */
export interface JournalLife extends Life<JournalWork> {
  readonly birth: string;
  log: readonly string[];
  /** The state by the fold of what was consumed. */
  readonly fold: Map<string, unknown>;
}

/** The auditor of journals. */
export type JournalAuditor = Auditor<JournalWork, JournalLife>;

type Update = QueuedUpdate<JournalWork>;
type JournalStep = Step<JournalLife>;

/** I2 and I8, of the journal: its state is what the updates that took effect make of it, each of them once. */
export class JournalModel implements StateModel<JournalWork, JournalLife> {
  /** What updates were asked to do, as they ran: all that is known of one that never was in the queue. */
  readonly acts: Map<string, Act> = new Map();
  private readonly server: SimulatedServer;
  private readonly problem: Problem;

  constructor(server: SimulatedServer, problem: Problem) {
    this.server = server;
    this.problem = problem;
  }

  about({ flow, payload }: CallRecord): Pick<Update, 'label' | 'work'> {
    if (flow !== '') {
      const act = readProps(payload) as unknown as Act;
      return { label: act.label, work: { act } };
    }
    const changes = readChanges(payload);
    return { label: String([...changes.values()][0]), work: { act: undefined, changes } };
  }

  born(life: Life<JournalWork>, after: ServerPartition): JournalLife {
    const birth = String(readStateKey(after, 'birth'));
    const fold = new Map<string, unknown>([
      ['birth', birth],
      ['count', 0],
      ['last', ''],
    ]);
    return Object.assign(life, { birth, log: [], fold });
  }

  stepped(step: JournalStep, consumed: readonly Consumed<JournalWork>[], direct: boolean): readonly Update[] {
    const { life, puts, after, where } = step;
    const log = puts.has('s/log') ? (readStateKey(after, 'log') as string[] | undefined) : life.log;
    if (!log) {
      this.problem(`${where} leaves the state's log unreadable: chunks are missing`, 'I2');
      return [];
    }
    const expected = [...life.log];
    const changed = new Map<string, unknown>();
    for (const { update, outcome } of consumed) {
      if (outcome !== undefined) continue;
      const { act, changes } = update.work;
      if (act) tookEffect(act, update.id, expected, changed);
      for (const [key, value] of changes ?? []) changed.set(key, value);
    }
    const unqueued = direct ? this.unqueued(step, log, expected, changed) : [];
    if (log.length !== expected.length || log.some((id, i) => id !== expected[i])) this.wrongLog(expected, log, where);
    life.log = log;
    this.assertFold(step, changed);
    return unqueued;
  }

  /** Calls that ran at once, because nothing was queued: their effect is all that is ever seen of them. */
  private unqueued(
    { puts, after, where }: JournalStep,
    log: readonly string[],
    expected: string[],
    changed: Map<string, unknown>,
  ): Update[] {
    const found: Update[] = [];
    for (const id of log.slice(expected.length)) {
      const act = this.acts.get(id);
      if (!act) {
        this.problem(`${where}: ${id} took effect, but never ran`, 'I2');
        return found;
      }
      found.push({ id, call: id.slice(0, id.lastIndexOf('.')), label: act.label, seq: 0, work: { act } });
      tookEffect(act, id, expected, changed);
    }
    for (const key of puts.keys()) {
      const name = key.slice(2);
      if (!key.startsWith('s/w') || changed.has(name)) continue;
      const label = String(readStateKey(after, name));
      const work = { act: undefined, changes: new Map([[name, label]]) };
      found.push({ id: `${label}.0`, call: label, label, seq: 0, work });
      changed.set(name, label);
    }
    return found;
  }

  private assertFold({ life, puts, after, where }: JournalStep, changed: ReadonlyMap<string, unknown>): void {
    for (const [key, value] of changed) {
      if (value === undefined) life.fold.delete(key);
      else life.fold.set(key, value);
      const stored = readStateKey(after, key);
      if (stored !== life.fold.get(key))
        this.problem(`${where}: state.${key} is ${show(stored)}, not ${show(value)}`, 'I2');
    }
    for (const key of puts.keys())
      if (key.startsWith('s/') && key !== 's/log' && !changed.has(key.slice(2)))
        this.problem(`${where} writes ${key}, which no update that it consumes changes`, 'I2');
  }

  private wrongLog(expected: readonly string[], log: readonly string[], where: string): void {
    const twice = log.find((id, i) => log.indexOf(id) !== i);
    const lost = expected.find((id) => !log.includes(id));
    const extra = log.find((id) => !expected.includes(id));
    if (twice !== undefined) this.problem(`${where}: update ${twice} took effect twice`, 'I8');
    else if (lost !== undefined) this.problem(`${where}: update ${lost} was consumed without an effect`, 'I2');
    else if (extra !== undefined) this.problem(`${where}: update ${extra} took effect without being consumed`, 'I2');
    else this.problem(`${where}: the order of the log is not that of the queue`, 'I2');
  }

  restarted(life: JournalLife, partition: ServerPartition): void {
    life.log = (readStateKey(partition, 'log') as string[] | undefined) ?? [];
    life.fold.clear();
    for (const key of readDir(partition)) if (key !== 'log') life.fold.set(key, readStateKey(partition, key));
  }

  quiet(life: JournalLife, partition: ServerPartition): void {
    const { partition: name } = life;
    const names = readDir(partition);
    const expected = new Set(['log', ...life.fold.keys()]);
    if (names.length !== expected.size || names.some((key) => !expected.has(key)))
      this.problem(`${name}: the state has the keys ${names}, not ${[...expected]}`, 'I2');
    for (const [key, value] of life.fold)
      if (readStateKey(partition, key) !== value) this.problem(`${name}: state.${key} is not what the log says`, 'I2');
    for (const [id, kind] of life.outcomes)
      if (life.log.includes(id)) this.problem(`${name}: ${id} took effect, and was ${kind} too`, 'I8');
    if (this.server.counts.rollbacks > 0) return;
    for (const [id, { work, seq }] of life.updates)
      if (work.act && seq <= life.root.cursor && !life.outcomes.has(id) && !life.log.includes(id))
        this.problem(`${name}: ${id} was queued, but has neither effect nor outcome`, 'I2');
  }
}

/** An update's effect on the log, and on the rest of the state. */
function tookEffect(act: Act, id: string, log: string[], changed: Map<string, unknown>): void {
  log.push(id);
  changed.set('count', log.length);
  changed.set('last', id);
  for (const [key, value] of effectOf(act, id)) changed.set(key, value);
}

function show(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 60) ?? 'undefined';
}
