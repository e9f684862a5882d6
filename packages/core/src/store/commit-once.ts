import { type Env, jittered, sleep } from '../env.js';
import type { Commit, Key, Revision, Store } from './contract.js';
import { StoreError } from './errors.js';

/** What became of a commit. `open`: given up while its outcome was unknown; it may still be applied later. */
export type Outcome =
  | { readonly applied: true; readonly seq: number | undefined }
  /**
   * `seen` is the revision of the commit's own key by then; `heard` that no answer was missed before. Else it was not applied
   * only as long as nobody but this caller writes that key.
   */
  | {
      readonly applied: false;
      readonly failed: readonly string[];
      readonly seen: Revision | undefined;
      readonly heard: boolean;
    }
  | { readonly applied: 'open'; readonly error: StoreError };

const FIRST_WAIT = 10;
const LONGEST_WAIT = 1_000;

/**
 * Sends a commit until its outcome is known. The commit must check AND put `self`: then, however often it is sent and
 * however late a copy of it arrives, it is applied at most once.
 *
 * @param self the key that the commit both checks and puts
 * @param deadline on `env.mono()`: give up then
 * @throws StoreError any code but `unknown`: it was not applied and never will be
 */
export async function commitOnce(
  env: Env,
  store: Store,
  partition: string,
  commit: Commit,
  self: Key,
  deadline: number,
): Promise<Outcome> {
  let uncertain = false;
  let heard = true;
  for (let attempt = 0; ; attempt++) {
    try {
      const result = await store.commit(partition, commit);
      if (result.ok) return { applied: true, seq: result.seq };
      // Refused - perhaps by a copy of itself that came first: who cannot look does not know.
      uncertain = true;
      const now = await store.get(partition, [self]);
      const seen = now.entries[0]?.rev;
      return seen === commit.id
        ? { applied: true, seq: undefined }
        : { applied: false, failed: result.failed, seen, heard };
    } catch (error) {
      if (!StoreError.is(error)) throw error;
      if (error.code === 'unknown') {
        uncertain = true;
        heard = false;
      }
      const mayPass = error.code === 'unknown' || error.code === 'unavailable';
      if (!mayPass || env.mono() >= deadline) {
        // Certainly not applied: say so plainly, as the store did. But of an earlier sending it says nothing.
        if (!uncertain) throw error;
        const message = `what became of a commit in ${partition} is unknown: the store did not say in time; look before you repeat it`;
        return { applied: 'open', error: new StoreError('unknown', message, { cause: error }) };
      }
    }
    await sleep(env, jittered(env, Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt)));
  }
}
