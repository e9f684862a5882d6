import { MotionError } from '@motion-ts/core';
import type { Problem } from '../audit/invariants.js';
import { describe, isOutage, isRefusal } from '../errors.js';
import type { SimulatedServer } from '../server.js';
import type { Process } from '../world.js';
import type { JournalAuditor, JournalLife as Life } from './effects.js';
import { directFlows, effectOf, type JournalState } from './journal.js';

/** One call of a caller, and what came of it. */
export interface CallNote {
  readonly label: string;
  readonly process: Process;
  /** The caller: its calls keep their order. */
  readonly caller: string;
  /** The life of the instance that its caller has open. */
  readonly life: Life | undefined;
  readonly flow: string;
  readonly key: string | undefined;
  readonly flush: boolean;
  readonly invokedAt: number;
  settledAt: number | undefined;
  outcome: 'pending' | 'done' | 'failed' | 'refused';
}

/** Compares what callers were told with what is in the store. */
export class Accounting {
  readonly notes: CallNote[] = [];
  /** Labels of the calls that share an idempotency key. */
  private readonly labelsOf = new Map<string, Set<string>>();
  private readonly server: SimulatedServer;
  private readonly auditor: JournalAuditor;
  private readonly problem: Problem;
  private lastRollback = -1;

  constructor(server: SimulatedServer, auditor: JournalAuditor, problem: Problem) {
    this.server = server;
    this.auditor = auditor;
    this.problem = problem;
    server.onRollback.push(() => {
      this.lastRollback = server.world.now;
    });
  }

  begin(call: Omit<CallNote, 'invokedAt' | 'settledAt' | 'outcome'>): CallNote {
    const note: CallNote = { ...call, invokedAt: this.server.world.now, settledAt: undefined, outcome: 'pending' };
    this.notes.push(note);
    if (call.key !== undefined) {
      const labels = this.labelsOf.get(call.key) ?? new Set();
      this.labelsOf.set(call.key, labels.add(call.label));
    }
    return note;
  }

  /** Whether nothing was rolled back since: then what was acknowledged must stand. */
  isExact(since: number): boolean {
    return this.lastRollback < since;
  }

  /**
   * Lives that began with one InitState, the one that is lived first, and then the latest: an instance that is cleared while
   * it is made is made again, and when the store falls back, an earlier one may stand again.
   */
  livesOf(birth: string): Life[] {
    const lives = [...this.auditor.lives.values()].filter((life) => life.birth === birth).reverse();
    return lives.sort((a, b) => Number(a.ended) - Number(b.ended));
  }

  done(note: CallNote): void {
    note.outcome = 'done';
    note.settledAt = this.server.world.now;
    if (!this.isExact(note.invokedAt)) return;
    // A key may have been used before a rollback, by a call that is not known any more.
    if (note.key !== undefined && this.server.counts.rollbacks > 0) return;
    const life = this.lifeWith(note);
    const call = life && this.queuedFor(note, life)[0];
    if (!life || call === undefined) {
      this.problem(`call ${note.label} was acknowledged, but is not queued`);
      return;
    }
    if (note.flush) this.assertFlushed(note, life, call);
  }

  private assertFlushed(note: CallNote, life: Life, call: string): void {
    for (const update of life.updates.values()) {
      if (update.call !== call) continue;
      const { id } = update;
      // A writeState leaves no trace in the log.
      const applied = update.work.act ? life.log.includes(id) : life.root.cursor >= update.seq || life.root.index > 0;
      if (applied && !life.outcomes.has(id)) continue;
      if (life.redriven.has(id) || life.dropped.has(id)) continue;
      this.problem(
        `call ${note.label} was told that its updates are done, but ${id} is ${life.outcomes.get(id) ?? 'still queued'}`,
      );
    }
  }

  failed(note: CallNote, error: unknown): void {
    note.settledAt = this.server.world.now;
    note.outcome = 'failed';
    const { life } = note;
    if (isOutage(error)) {
      if (isRefusal(error)) note.outcome = 'refused';
      return;
    }
    const exact = this.isExact(note.invokedAt) && (note.key === undefined || this.server.counts.rollbacks === 0);
    const outcomes = (kind: string): boolean =>
      life !== undefined &&
      this.queuedFor(note, life).some((call) =>
        [...life.outcomes].some(([id, found]) => found === kind && id.startsWith(`${call}.`)),
      );
    if (MotionError.is(error))
      switch (error.code) {
        case 'CLOSED':
        case 'ABORTED':
          return;
        case 'INSTANCE_GONE':
          // A clearing that was rolled back ends calls, too.
          if (this.server.counts.rollbacks === 0 && life && !life.ended)
            this.problem(`call ${note.label}: ${error.message}, but it lives`);
          return;
        case 'UPDATE_FAILED':
          if (note.flush && (!exact || outcomes('dead'))) return;
          break;
        case 'UPDATE_DISCARDED':
          if (note.flush && (!exact || outcomes('discarded'))) return;
          break;
      }
    this.problem(`call ${note.label} failed with ${describe(error)}`);
  }

  /** Where a call was queued: what a store lost when it fell back may be born again, of the same InitState. */
  private lifeWith(note: CallNote): Life | undefined {
    const { life } = note;
    if (!life || this.queuedFor(note, life).length > 0) return life;
    return this.livesOf(life.birth).find((again) => this.queuedFor(note, again).length > 0);
  }

  /** The queued calls that stand for a note: its own, or that of the first to use its idempotency key. */
  private queuedFor({ key, label }: CallNote, life: Life): string[] {
    const labels = key === undefined ? [label] : [...(this.labelsOf.get(key) ?? [])];
    return labels.flatMap((each) => life.callsOf.get(each) ?? []);
  }

  /** A state that somebody was shown: whole, and part of the instance's history. */
  assertWhole(state: JournalState, where: string): void {
    const { log, count, last, birth } = state;
    if (!Array.isArray(log) || count !== log.length || last !== (log.at(-1) ?? '')) {
      this.problem(`${where} saw a torn state: count ${count}, last ${last}, log of ${log?.length}`);
      return;
    }
    if (this.server.counts.rollbacks > 0) return;
    const life = this.livesOf(birth).find((each) => log.every((id, i) => id === each.log[i]));
    if (!life) {
      this.problem(`${where} saw a state that was never committed: ${birth}, ${log.length} updates, last ${last}`);
      return;
    }
    const expected = new Map<string, unknown>();
    for (const id of log) {
      const act = life.updates.get(id)?.work.act;
      if (!act) {
        this.problem(`${where} saw the effect of ${id}, which was never queued`);
        return;
      }
      for (const [key, value] of effectOf(act, id)) expected.set(key, value);
    }
    for (const [key, value] of expected)
      if (state[key] !== value)
        this.problem(
          `${where} saw a torn state: ${key} is ${String(state[key]).slice(0, 30)}, not ${String(value).slice(0, 30)}`,
        );
  }

  /** What must be so once all is quiet. */
  assertComplete(): void {
    for (const note of this.notes) {
      const { life } = note;
      if (note.outcome === 'pending' && note.process.alive)
        this.problem(`call ${note.label} of ${note.process.name} never settled`);
      if (!life || !this.isExact(note.invokedAt)) continue;
      const queued = life.callsOf.get(note.label)?.length ?? 0;
      if (note.outcome === 'refused' && note.key === undefined && queued > 0)
        this.problem(`call ${note.label} was told that it is not queued, but it is`);
      if (queued > 1 + life.redriven.size) this.problem(`call ${note.label} is queued ${queued} times`, 'I8');
    }
    for (const life of this.auditor.lives.values()) {
      this.assertKeys(life);
      this.assertOrder(life);
    }
  }

  private assertKeys(life: Life): void {
    for (const [key, labels] of this.labelsOf) {
      const queued = [...labels].filter((label) => life.callsOf.has(label));
      if (queued.length > 1)
        this.problem(
          `${life.partition}: the idempotency key ${key} took effect ${queued.length} times: ${queued}`,
          'I8',
        );
    }
  }

  /** I7: the calls of one caller stand in the queue in the order in which they were made. */
  private assertOrder(life: Life): void {
    const place = new Map<string, number>();
    let n = 0;
    for (const { call } of life.updates.values()) if (!place.has(call)) place.set(call, n++);
    const callers = new Map<string, CallNote[]>();
    for (const note of this.notes) {
      if (note.life !== life || note.key !== undefined || !this.isExact(note.invokedAt)) continue;
      const notes = callers.get(note.caller) ?? [];
      callers.set(note.caller, notes);
      notes.push(note);
    }
    const placeOf = ({ label }: CallNote): number | undefined => place.get(life.callsOf.get(label)?.[0] ?? '');
    for (const notes of callers.values())
      for (const [i, later] of notes.entries())
        for (const earlier of notes.slice(0, i)) {
          const before = placeOf(earlier);
          const after = placeOf(later);
          if (before === undefined || after === undefined || before < after) continue;
          const wasAcked = earlier.outcome === 'done' && (earlier.settledAt ?? Infinity) < later.invokedAt;
          const bothDirect = [earlier, later].every(({ flow }) => directFlows.includes(flow));
          if (wasAcked || bothDirect)
            this.problem(`${life.partition}: ${later.label} is queued before ${earlier.label}`, 'I7');
        }
  }
}
