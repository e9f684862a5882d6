import type { Commit } from '@motion-ts/core/store';
import { type Connection, rowsOf, type Statement } from './connection.js';

/** The head of a partition. */
export interface Head {
  readonly seq: number;
  /** Absolute, by the clock of this machine. */
  readonly due: number | null;
  /** When its alarm rings, which is never later than `due`; null: it has none. */
  readonly alarm: number | null;
}

/** An alarm that may have come too early. */
export interface Alarm {
  readonly at: number;
  readonly partition: string;
}

/** The heads of the partitions and their alarms. Writes run inside a write transaction. */
export class Heads {
  readonly #read: Statement;
  readonly #put: Statement;
  readonly #setSeq: Statement;
  readonly #delete: Statement;
  readonly #addAlarm: Statement;
  readonly #deleteAlarm: Statement;

  constructor(connection: Connection) {
    this.#read = rowsOf(connection, "SELECT seq, due, alarm FROM entry WHERE p = ? AND k = ''");
    this.#put = connection.prepare(
      `INSERT INTO entry (p, k, seq, due, alarm) VALUES (?, '', ?, ?, ?)
       ON CONFLICT (p, k) DO UPDATE SET seq = excluded.seq, due = excluded.due, alarm = excluded.alarm`,
    );
    this.#setSeq = connection.prepare("UPDATE entry SET seq = ? WHERE p = ? AND k = ''");
    this.#delete = connection.prepare("DELETE FROM entry WHERE p = ? AND k = ''");
    this.#addAlarm = connection.prepare('INSERT OR IGNORE INTO alarm VALUES (?, ?)');
    this.#deleteAlarm = connection.prepare('DELETE FROM alarm WHERE at = ? AND p = ?');
  }

  read(partition: string): Head | undefined {
    const row = this.#read.get(partition) as [number, number | null, number | null] | undefined;
    return row && { seq: row[0], due: row[1], alarm: row[2] };
  }

  /** Writes no more than what changes, and an alarm only when the one there would ring too late. */
  write(partition: string, before: Head | undefined, seq: number, set: Commit['due']): Head {
    const due = dueAfter(before?.due ?? null, set);
    let alarm = before?.alarm ?? null;
    if (due !== null && (alarm === null || alarm > due)) alarm = this.#moveAlarm(partition, alarm, due);
    const after = { seq, due, alarm };
    if (before === undefined || before.due !== due || before.alarm !== alarm) this.#put.run(partition, seq, due, alarm);
    else if (before.seq !== seq) this.#setSeq.run(seq, partition);
    return after;
  }

  delete(partition: string): void {
    const head = this.read(partition);
    if (head === undefined) return;
    if (head.alarm !== null) this.#deleteAlarm.run(head.alarm, partition);
    this.#delete.run(partition);
  }

  /** Moves an alarm that came too early to the due, or removes it if there is none. */
  correct({ at, partition }: Alarm): void {
    const head = this.read(partition);
    if (head === undefined || head.alarm !== at) return;
    if (head.due === at) return;
    if (head.due === null) this.#deleteAlarm.run(at, partition);
    else this.#moveAlarm(partition, at, head.due);
    this.#put.run(partition, head.seq, head.due, head.due);
  }

  #moveAlarm(partition: string, from: number | null, to: number): number {
    if (from !== null) this.#deleteAlarm.run(from, partition);
    this.#addAlarm.run(to, partition);
    return to;
  }
}

function dueAfter(before: number | null, set: Commit['due']): number | null {
  if (set === undefined) return before;
  if ('ifNullIn' in set) return before ?? Math.ceil(Date.now() + set.ifNullIn);
  return set.in === null ? null : Math.ceil(Date.now() + set.in);
}
