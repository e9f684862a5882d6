import { type Entry, type Got, type Key, type Revision, type Snapshot, StoreError } from '@motion-ts/core/store';

const SPACE = 0x20;

/** What the script `get` answered, as the contract gives it. */
export function snapshotOf(
  answer: unknown,
  partition: string,
  keys: readonly Key[],
  known: readonly (Revision | undefined)[] | undefined,
): Snapshot {
  const [head, ...found] = answer as (Buffer | null)[];
  const entries: (Got | undefined)[] = [];
  for (let i = 0; i < keys.length; i++) {
    const entry = found[i];
    const key = keys[i] as Key;
    if (entry === null || entry === undefined) entries.push(undefined);
    else if (entry.length === 0) entries.push({ key, rev: known?.[i] as Revision });
    else entries.push(entryIn(partition, key, entry));
  }
  if (head === null || head === undefined) return { seq: 0, dueIn: null, entries };
  // `<seq> ` or `<seq> <due> <now>`.
  const [seq, due, now] = head.toString('latin1').split(' ');
  if (!/^\d+$/.test(seq as string)) throw new StoreError('corrupt', `the head of ${partition} cannot be read`);
  return { seq: Number(seq), dueIn: due ? Number(due) - Number(now) : null, entries };
}

/** What the script `list` answered. */
export function entriesOf(answer: unknown, partition: string): Entry[] {
  const page = answer as Buffer[];
  const entries: Entry[] = [];
  for (let i = 0; i < page.length; i += 2)
    entries.push(entryIn(partition, (page[i] as Buffer).toString('latin1'), page[i + 1] as Buffer));
  return entries;
}

function entryIn(partition: string, key: Key, entry: Buffer): Entry {
  const space = entry.indexOf(SPACE);
  if (space < 1) throw new StoreError('corrupt', `${key} in ${partition} holds what the store did not write`);
  return { key, rev: entry.toString('latin1', 0, space), value: bytesFrom(entry, space + 1) };
}

/** A copy: an answer's bytes are part of whatever came over the network with it. */
export function bytesFrom(buffer: Buffer, from: number): Uint8Array {
  return new Uint8Array(buffer.subarray(from));
}
