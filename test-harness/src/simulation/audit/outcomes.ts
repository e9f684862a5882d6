import type { Commit } from '@motion-ts/core/store';
import type { ServerPartition } from '../server.js';
import type { Problem } from './invariants.js';
import { readOutcome } from './layout.js';
import type { Consumed, Life, QueuedUpdate, Step } from './life.js';

/** The updates that a commit consumes, in their order, each with its outcome if it has one. */
export function consumedBy<Work, L extends Life<Work>>({ life, before, root, puts }: Step<L>): Consumed<Work>[] {
  const consumed: Consumed<Work>[] = [];
  for (const update of passedBetween(life, before, root)) {
    const bytes = puts.get(`o/${update.id}`);
    const outcome = bytes && readOutcome(bytes).kind;
    if (outcome) life.outcomes.set(update.id, outcome);
    consumed.push({ update, outcome });
  }
  return consumed;
}

function* passedBetween<Work>(
  life: Life<Work>,
  before: { readonly cursor: number; readonly index: number },
  after: { readonly cursor: number; readonly index: number },
): Generator<QueuedUpdate<Work>> {
  for (let seq = before.cursor + 1; seq <= after.cursor + 1; seq++) {
    const batch = life.batches.get(seq) ?? [];
    const from = seq === before.cursor + 1 ? before.index : 0;
    const to = seq === after.cursor + 1 ? after.index : batch.length;
    yield* batch.slice(from, to);
  }
}

/** An outcome belongs to the commit that consumes its update. */
export function assertOutcomesAreConsumed({ life, puts, where }: Step<Life>, problem: Problem): void {
  for (const key of puts.keys())
    if (key.startsWith('o/') && !life.outcomes.has(key.slice(2)))
      problem(`${where} has an outcome for ${key.slice(2)}, which it does not consume`, 'I8');
}

/** A commit deletes an outcome. @returns whether the dead letter goes back into the queue */
export function outcomeDeleted(life: Life, id: string, commit: Commit, problem: Problem): boolean {
  if (commit.appends?.length) {
    if (life.redriven.has(id) || life.dropped.has(id)) problem(`${life.partition}: ${id} is redriven twice`, 'I8');
    life.redriven.add(id);
    return true;
  }
  if (life.outcomes.get(id) === 'dead') life.dropped.add(id);
  return false;
}

/** Once all is quiet: dead letters are there, and are counted. */
export function assertOutcomes(life: Life, partition: ServerPartition, exact: boolean, problem: Problem): void {
  for (const [id, kind] of life.outcomes) {
    const gone = kind === 'discarded' || life.redriven.has(id) || life.dropped.has(id);
    if (!gone && !partition.entries.has(`o/${id}`)) problem(`${life.partition}: dead letter ${id} vanished`);
  }
  if (!exact) return;
  const dead = [...life.outcomes.values()].filter((kind) => kind === 'dead').length;
  if (life.root.deadLetters !== dead)
    problem(`${life.partition}: root counts ${life.root.deadLetters} dead letters, there were ${dead}`);
}
