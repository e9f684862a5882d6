import { sleep } from '../env.js';
import type { QueueContext } from '../queue/context.js';
import { GONE, INIT, ROOT } from '../state/keys.js';
import { decodeMark, type Mark } from '../state/marks.js';
import { encodeStamp } from '../state/records.js';
import { commitOnce } from '../store/commit-once.js';
import { StoreError } from '../store/errors.js';

type Place = Pick<QueueContext, 'env' | 'store' | 'partition' | 'options'>;

/** Entries are listed with their values: few at a time, for they may be chunks of big ones. */
const PAGE = 8;
const TRIES = 5;

/**
 * Removes an instance with all it holds, also what is still queued. One commit ends it for everybody: without `init` and
 * `root` no append, no holder and no reader goes on. A mark stands until the last entry is gone, and nobody can make the
 * instance anew before that; whoever finds the mark of a process that died goes on for it.
 *
 * @returns false: there was no such instance
 */
export async function clearInstance(place: Place): Promise<boolean> {
  const { env, store, partition, options } = place;
  for (;;) {
    const { entries } = await store.get(partition, [INIT, ROOT, GONE]);
    const [init, root, gone] = entries;
    if (!init && !root && !gone) return false;
    if (!init && !root && (await finishClear(place)) === 'cleared') return true;
    const outcome = await commitOnce(
      env,
      store,
      partition,
      {
        id: env.id(),
        checks: [
          { key: GONE, rev: gone?.rev ?? null },
          // The holder moves root all the time, and is ended by its going; the incarnation says which life this is.
          init ? { key: INIT, rev: init.rev } : { key: ROOT, rev: root?.rev ?? null },
        ],
        puts: [{ key: GONE, value: encodeStamp(env.now()) }],
        deletes: [INIT, ROOT],
        due: { in: null },
      },
      GONE,
      env.mono() + options.patienceMs,
    );
    if (outcome.applied === 'open') throw outcome.error;
    if (outcome.applied) break;
    await sleep(env, env.random() * 3);
  }
  await finishClear(place);
  return true;
}

/**
 * Deletes what an ended instance left. Does nothing without its mark.
 *
 * @returns what the mark said, if there was one; but for 'cleared' it still stands
 */
export async function finishClear({
  env,
  store,
  partition,
}: Pick<Place, 'env' | 'store' | 'partition'>): Promise<Mark['kind'] | undefined> {
  const gone = (await store.get(partition, [GONE])).entries[0];
  if (!gone?.value) return undefined;
  const { kind } = decodeMark(gone.value, partition);
  if (kind !== 'cleared') return kind;
  const checks = [{ key: GONE, rev: gone.rev }];
  for (let attempt = 0; ; ) {
    const page = await store.list(partition, { prefix: '', limit: PAGE });
    const keys = page.map(({ key }) => key).filter((key) => key !== GONE);
    const last = keys.length === 0 && (await store.list(partition, { prefix: '', after: GONE, limit: 1 })).length === 0;
    const commit = last
      ? { id: env.id(), checks, deletes: [GONE], drop: true }
      : { id: env.id(), checks, deletes: keys };
    try {
      if (!(await store.commit(partition, commit)).ok) return kind;
    } catch (error) {
      // A list need not show what a store that fell back has again: then the drop leaves something, and is refused.
      if (last && StoreError.is(error, 'invalid') && attempt++ < TRIES) continue;
      throw error;
    }
    if (last) break;
  }
  await store.cacheClear(partition);
  return kind;
}
