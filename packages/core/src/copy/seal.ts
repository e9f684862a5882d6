import { GONE, INIT, ROOT } from '../state/keys.js';
import { encodeMark } from '../state/marks.js';
import { encodeRoot } from '../state/records.js';
import { commitOnce } from '../store/commit-once.js';
import type { Commit } from '../store/contract.js';
import type { Place, Source } from './place.js';

/**
 * Ends an instance here, if nothing of it changed since it was looked at. From then on nothing of it can change: whoever
 * appends, runs updates or drops a dead letter checks an entry that is no more.
 *
 * @returns false: it changed
 */
export async function seal(place: Place, { head, initRev, rootRev }: Source & { kind: 'live' }): Promise<boolean> {
  const { env } = place;
  const root = encodeRoot(head.root);
  return change(place, {
    id: env.id(),
    checks: [
      { key: GONE, rev: null },
      { key: INIT, rev: initRev },
      { key: ROOT, rev: rootRev },
    ],
    seqIs: head.seq,
    puts: [{ key: GONE, value: encodeMark({ kind: 'left', at: env.now(), init: head.init, root, arrived: false }) }],
    deletes: [INIT, ROOT],
    due: { in: null },
  });
}

/** Notes that the instance is in the other store: it is never copied from here again. */
export async function noteArrival(place: Place, { mark, markRev }: Source & { kind: 'left' }): Promise<void> {
  await change(place, {
    id: place.env.id(),
    checks: [{ key: GONE, rev: markRev }],
    puts: [{ key: GONE, value: encodeMark({ ...mark, arrived: true }) }],
  });
}

/** @throws StoreError `unknown` and others: whoever comes next finds out */
async function change({ env, store, partition, patienceMs }: Place, commit: Commit): Promise<boolean> {
  const outcome = await commitOnce(env, store, partition, commit, GONE, env.mono() + patienceMs);
  if (outcome.applied === 'open') throw outcome.error;
  return outcome.applied;
}
