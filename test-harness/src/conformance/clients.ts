import type { Store } from '@motion-ts/core/store';
import type { Terms } from './options.js';
import { settles } from './suite.js';

/** Cases follow each other at once; a runner that was told to run some alone tells nobody which was the last. */
const IDLE_MS = 500;

/**
 * The two clients that the cases share: to open them for every case would take most of the time, if one is in a process
 * of its own.
 */
export class Clients {
  readonly #open: () => Promise<Store>;
  readonly #terms: Terms;
  #pair: readonly [Store, Store] | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(open: () => Promise<Store>, terms: Terms) {
    this.#open = open;
    this.#terms = terms;
  }

  async get(): Promise<readonly [store: Store, other: Store]> {
    clearTimeout(this.#idle);
    this.#pair ??= await openPair(this.#open, this.#terms);
    return this.#pair;
  }

  /** After a case. Those that it may have left in disorder serve no other. */
  async release(inOrder: boolean): Promise<void> {
    if (!inOrder) await this.close();
    // Only what it closes keeps a process alive; the timer does not.
    else this.#idle = setTimeout(() => void this.close(), IDLE_MS).unref();
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const pair = this.#pair ?? [];
    this.#pair = undefined;
    await closeAll(pair, this.#terms);
  }
}

/** Two clients of the same data, or one twice if the store has no shared namespaces. */
export async function openPair(open: () => Promise<Store>, terms: Terms): Promise<readonly [Store, Store]> {
  const store = await open();
  try {
    return [store, terms.sharedNamespace ? await open() : store];
  } catch (error) {
    await closeAll([store], terms);
    throw error;
  }
}

/** What is closed already may be closed again: that is part of the contract. One that never closes fails its own case. */
export async function closeAll(stores: readonly Store[], terms: Terms): Promise<void> {
  const closing = Promise.allSettled(stores.map(async (store) => store.close()));
  await settles('closing', closing, terms.patienceMs + terms.timeoutMs).catch(() => {});
}
