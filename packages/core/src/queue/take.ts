import { MotionError } from '../errors.js';
import type { Committed } from '../state/committed.js';
import { ROOT } from '../state/keys.js';
import { encodeRoot, type Root } from '../state/records.js';
import type { Fresh } from '../state/view.js';
import { Fence } from '../store/fence.js';
import type { QueueContext } from './context.js';

/** What a worker saw of another holder's root, and when by its own monotonic clock. */
export type Sightings = Map<string, { readonly rev: string; readonly at: number }>;

/** What came of trying to become the holder. */
export type Taken =
  | { readonly kind: 'taken'; readonly fence: Fence<Root>; readonly committed: Committed; readonly seq: number }
  /** There is nothing to do. */
  | { readonly kind: 'idle' }
  /** Somebody else drains, or was faster; or a failed update waits for its next try. Worth another look then. */
  | { readonly kind: 'later'; readonly inMs: number };

const RACE_MS = 20;

/**
 * Tries to become the holder of an instance: it is free and has work, or its holder shows no sign of life.
 *
 * The state is read first, in one snapshot with root; the lease is then taken under a check of that very revision of root.
 * Since nothing changes the state without replacing root, holding the lease proves that the state is the newest.
 *
 * @param seq work is known to be there up to this seq; 0: look
 */
export async function take(queue: QueueContext, me: string, sightings: Sightings, seq: number): Promise<Taken> {
  const { current } = queue.view;
  // Appended here, and nobody held it when last seen: one commit instead of a look and a commit.
  if (current && seq > current.root.cursor && current.root.holder === null && current.root.tries === 0) {
    const taken = await claim(queue, me, current, seq);
    if (taken) return taken;
  }
  const fresh = await queue.view.refresh();
  const decision = judge(queue, fresh, sightings);
  if (decision === 'idle') {
    if (fresh.dueIn !== null && fresh.dueIn <= 0) await clearDue(queue, fresh);
    sightings.delete(queue.partition);
    return { kind: 'idle' };
  }
  if (typeof decision === 'number') return { kind: 'later', inMs: decision };
  sightings.delete(queue.partition);
  return (await claim(queue, me, fresh.committed, fresh.seq)) ?? { kind: 'later', inMs: RACE_MS };
}

/** Milliseconds until the next look, or what to do now. */
function judge(queue: QueueContext, { committed, seq, dueIn }: Fresh, sightings: Sightings): 'take' | 'idle' | number {
  const { root, rootRev } = committed;
  if (root.holder === null) {
    if (seq <= root.cursor) return 'idle';
    return root.tries > 0 && dueIn !== null && dueIn > 0 ? dueIn : 'take';
  }
  if (dueIn !== null && dueIn <= 0) return 'take';
  const { ttlMs } = queue.options;
  const now = queue.env.mono();
  const seen = sightings.get(queue.partition);
  if (seen?.rev !== rootRev) {
    sightings.set(queue.partition, { rev: rootRev, at: now });
    return dueIn === null ? ttlMs : Math.min(ttlMs, dueIn + 1);
  }
  return now - seen.at >= ttlMs ? 'take' : Math.min(ttlMs - (now - seen.at), dueIn ?? ttlMs) + 1;
}

async function claim(queue: QueueContext, me: string, committed: Committed, seq: number): Promise<Taken | undefined> {
  const { env, store, partition, options } = queue;
  const fence = new Fence(committed.root, committed.rootRev, {
    env,
    store,
    partition,
    key: ROOT,
    encode: encodeRoot,
    patienceMs: 5 * options.ttlMs,
    what: `the lease of ${queue.what}`,
  });
  try {
    const changed = await fence.change((root) => nextHolder(root, me, seq), { due: { in: options.ttlMs } });
    if (!changed.ok) return undefined;
    const mine = committed.withRoot(changed.rev, changed.record);
    queue.view.publish(mine);
    return { kind: 'taken', fence, committed: mine, seq };
  } catch (error) {
    if (MotionError.is(error, 'LEASE_LOST')) return undefined;
    throw error;
  }
}

function nextHolder(root: Root, me: string, seq: number): Root {
  const next = { ...root, holder: me, epoch: root.epoch + 1, beat: root.beat + 1 };
  if (root.holder === null) return next;
  // The last holder died or stalls. Whatever is queued by now might be what killed it: one at a time from here.
  return {
    ...next,
    carefulUntil: Math.max(root.carefulUntil, seq),
  };
}

/** A wake-up that found nothing: cleared, unless something was appended meanwhile. */
async function clearDue(queue: QueueContext, { committed, seq }: Fresh): Promise<void> {
  const { env, store, partition } = queue;
  await store.commit(partition, {
    id: env.id(),
    checks: [{ key: ROOT, rev: committed.rootRev }],
    seqIs: seq,
    due: { in: null },
  });
}
