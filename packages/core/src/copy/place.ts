import type { Env } from '../env.js';
import { Chunks } from '../state/chunks.js';
import { GONE, INIT, ROOT } from '../state/keys.js';
import { decodeMark, type Mark } from '../state/marks.js';
import { decodeInit, decodeRoot, type Root } from '../state/records.js';
import type { Revision, Store } from '../store/contract.js';

/** One instance's partition in one of the two stores. */
export interface Place {
  readonly env: Env;
  readonly store: Store;
  readonly partition: string;
  /** What messages call the instance: `Book/user-1`. */
  readonly what: string;
  readonly chunks: Chunks;
  /** Milliseconds until a call to a store that does not answer well is given up. */
  readonly patienceMs: number;
}

export function placeOf(env: Env, store: Store, partition: string, what: string, patienceMs: number): Place {
  return { env, store, partition, what, patienceMs, chunks: new Chunks(store, env, partition, patienceMs) };
}

/** An instance's two entries that change hands when it moves, and how far its queue goes. */
export interface Head {
  readonly init: Uint8Array;
  readonly root: Root;
  readonly seq: number;
}

/** What is in the partition to copy from. */
export type Source =
  | { readonly kind: 'absent' }
  /** In use. */
  | { readonly kind: 'live'; readonly head: Head; readonly initRev: Revision; readonly rootRev: Revision }
  /** Sealed: nothing of it changes any more. */
  | {
      readonly kind: 'left';
      readonly head: Head;
      readonly mark: Extract<Mark, { kind: 'left' }>;
      readonly markRev: Revision;
    };

/** @throws MotionError `CORRUPT`; StoreError */
export async function look({ store, partition, what }: Place): Promise<Source> {
  const { seq, entries } = await store.get(partition, [INIT, ROOT, GONE]);
  const [init, root, gone] = entries;
  if (init?.value && root?.value) {
    decodeInit(init.value, what);
    const head = { init: init.value, root: decodeRoot(root.value, what), seq };
    return { kind: 'live', head, initRev: init.rev, rootRev: root.rev };
  }
  const mark = gone?.value && decodeMark(gone.value, what);
  if (!gone || !mark || mark.kind !== 'left') return { kind: 'absent' };
  const head = { init: mark.init, root: decodeRoot(mark.root, what), seq };
  return { kind: 'left', head, mark, markRev: gone.rev };
}
