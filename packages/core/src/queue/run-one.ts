import type { Cancellation } from '../cancellation.js';
import { MotionError } from '../errors.js';
import { mostDirBytes } from '../state/dir.js';
import type { Changes } from '../state/records.js';
import type { Backlog } from './backlog.js';
import type { QueueContext, Turn } from './context.js';
import type { Group, Item, LoadedBatch } from './group.js';
import type { Tenure } from './tenure.js';

/** What became of an update whose turn it was. */
export type RunResult =
  /** It is done, for good or ill. */
  | 'done'
  /** It is still the next one: it failed and is tried again, or gave up because the holder stops. */
  | 'not now'
  /** It is done, but the commit has no room for what it changed. */
  | { readonly overflow: Changes };

/** The one update that is next: dropped by its policy, taken for poison, or run. */
export async function runOne(
  queue: QueueContext,
  tenure: Tenure,
  backlog: Backlog,
  group: Group,
  item: Item,
  batch: LoadedBatch,
): Promise<RunResult> {
  const { runner, env } = queue;
  const { call, update, id } = item;
  const { flow } = call;
  group.ran.add(id);
  const policy = runner.policy(flow, update);
  if (policy.discardAfterMs !== undefined && env.now() - call.at > policy.discardAfterMs) {
    group.discard(item, 'age');
    return 'done';
  }
  const most = policy.discardAfterUpdates;
  if (most !== undefined && batch.rev !== undefined && (await backlog.hasNewer(item, batch, group.index, most))) {
    group.discard(item, 'newer');
    return 'done';
  }
  const { cancellation } = tenure;
  const turn: Turn = { id, flow, update, call, attempt: group.tries + 1, epoch: tenure.root.epoch, cancellation };
  if (batch.seq <= tenure.root.carefulUntil && (await isPoison(queue, tenure, group, turn))) return 'done';
  try {
    const result = runner.run(turn, group.state);
    const changes = result instanceof Promise ? await unlessCancelled(result, cancellation) : result;
    tenure.assertHeld();
    const room = group.canTake(changes);
    if (room === 'never') throw tooMuch(turn, queue);
    if (room === 'names') throw tooManyNames(turn, queue);
    if (room === 'alone' && group.count > 0) return { overflow: changes };
    group.apply(changes);
    return 'done';
  } catch (error) {
    tenure.assertHeld();
    // Told to stop: that it gave up is not its fault.
    if (cancellation.isCancelled) return 'not now';
    await group.fail(turn, error, policy);
    return group.retryInMs === undefined ? 'done' : 'not now';
  }
}

function tooMuch({ flow, update }: Turn, { what, store }: QueueContext): MotionError {
  const { commitOps, commitBytes } = store.limits;
  return new MotionError(
    'INVALID_PATCH',
    `update '${update}' of flow '${flow}' of ${what} changed more at once than this store commits (${commitOps} keys, ${commitBytes} bytes): group what belongs together under one key`,
  );
}

function tooManyNames({ flow, update }: Turn, { what, store }: QueueContext): MotionError {
  return new MotionError(
    'INVALID_PATCH',
    `update '${update}' of flow '${flow}' would give the state of ${what} more keys than this store can hold the names of (${mostDirBytes(store.limits)} bytes): group what belongs together under one key`,
  );
}

/** After a holder died, updates are marked before they run: one that takes its process down again and again is given up. */
async function isPoison({ options, events }: QueueContext, tenure: Tenure, group: Group, turn: Turn): Promise<boolean> {
  const { running, crashes } = tenure.root;
  const before = running === turn.id ? crashes : 0;
  if (before < options.maxCrashes) {
    // Counted as it begins, not when a holder is found dead: who but waits for its turn is not to blame.
    await tenure.commitRoot((root) => ({ ...root, beat: root.beat + 1, running: turn.id, crashes: before + 1 }));
    return false;
  }
  const error = new Error(`it ran in ${crashes} processes that died of it, or with it`);
  events.failed(turn, error, true);
  await group.bury(turn, error, crashes);
  return true;
}

/** A method that does not heed its signal must not keep its holder. */
function unlessCancelled<T>(promise: Promise<T>, cancellation: Cancellation): Promise<T> {
  if (cancellation.isCancelled) {
    // What becomes of the method is nobody's business any more, but must not end the process.
    promise.catch(() => undefined);
    return Promise.reject(cancellation.reason);
  }
  return new Promise((resolve, reject) => {
    const cancelled = (): void => reject(cancellation.reason);
    cancellation.add(cancelled);
    promise.then(
      (value) => {
        cancellation.remove(cancelled);
        resolve(value);
      },
      (error: unknown) => {
        cancellation.remove(cancelled);
        reject(error);
      },
    );
  });
}
