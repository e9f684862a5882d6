import type { Commit } from '@motion-ts/core/store';
import type { ServerPartition, SimulatedServer } from '../server.js';
import type { Problem } from './invariants.js';
import { type CallRecord, type RootRecord, readBatch, readStored } from './layout.js';
import type { Life, QueuedUpdate } from './life.js';

const keyOf = (seq: number): string => `q/${String(seq).padStart(16, '0')}`;

/** I3, I4 and I5: what waits is there, and will be looked for in time. */
export function assertQueue(
  life: Life,
  after: ServerPartition,
  commit: Commit,
  { world }: SimulatedServer,
  longestDueMs: (root: RootRecord) => number,
  problem: Problem,
): void {
  const { cursor } = life.root;
  const where = `${life.partition}: after commit ${commit.id}`;
  if (after.seq <= cursor) return;
  if (commit.appends?.length || commit.deletes?.length)
    for (let seq = cursor + 1; seq <= after.seq; seq++)
      if (!after.entries.has(keyOf(seq))) problem(`${where} q/${seq} is missing, the cursor is at ${cursor}`, 'I3');
  if (after.due === null) problem(`${where} work is queued, but never due`, 'I4');
  else if (commit.due && after.due > world.now + longestDueMs(life.root))
    problem(`${where} work is due in ${Math.round(after.due - world.now)} ms only`, 'I5');
}

/** The updates of a batch that stands in the queue. */
export function readUpdates<Work>(
  partition: ServerPartition,
  seq: number,
  about: (call: CallRecord) => Pick<QueuedUpdate<Work>, 'label' | 'work'>,
): QueuedUpdate<Work>[] | undefined {
  const entry = partition.entries.get(keyOf(seq));
  const bytes = entry && readStored(partition, entry.value);
  return (
    bytes &&
    readBatch(bytes).flatMap((call) => {
      const told = about(call);
      return call.updates.map((_, n) => ({ id: `${call.id}.${n}`, call: call.id, seq, ...told }));
    })
  );
}

/** What is consumed must leave the queue. */
export function assertConsumedIsGone(life: Life, partition: ServerPartition, problem: Problem): void {
  const left = [...partition.entries.keys()].find(
    (key) => key.startsWith('q/') && Number(key.slice(2)) <= life.root.cursor,
  );
  if (left) problem(`${life.partition}: ${left} is consumed, but still there`, 'I8');
}
