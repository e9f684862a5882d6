import type { Commit } from '@motion-ts/core/store';
import type { Problem } from './invariants.js';
import { at, type Life, type Step } from './life.js';

/** I1, and what the lease promises: who holds it is told apart from all who held it before. */
export function assertChain({ life, before, root, commit, where }: Step<Life>, problem: Problem): void {
  const check = commit.checks?.find(({ key }) => key === 'root');
  if (check?.rev !== life.rootRev) problem(`${where} replaces root without a check of ${life.rootRev}`, 'I1');
  if (root.incarnation !== life.incarnation) problem(`${where} brings the root of another incarnation`, 'I1');
  if (root.epoch < before.epoch) problem(`${where} moves the epoch back`);
  if (root.epoch === before.epoch && root.holder !== before.holder && root.holder !== null)
    problem(`${where} brings a new holder with the old epoch`);
}

/** I1: what is committed beside the chain is not fenced. */
export function assertBesideChain(
  life: Life,
  puts: ReadonlyMap<string, Uint8Array>,
  { id }: Commit,
  problem: Problem,
): void {
  for (const key of puts.keys())
    if (key.startsWith('s/') || key === 'dir' || key.startsWith('o/'))
      problem(`${life.partition}: commit ${id} writes ${key} without root`, 'I1');
}

/** I6. */
export function assertCursor({ before, root, after, where }: Step<Life>, problem: Problem): void {
  if (root.cursor < before.cursor || (root.cursor === before.cursor && root.index < before.index))
    problem(`${where} moves the cursor back, ${at(before)} to ${at(root)}`, 'I6');
  if (root.cursor > after.seq) problem(`${where} moves the cursor to ${at(root)}, seq is ${after.seq}`, 'I6');
}
