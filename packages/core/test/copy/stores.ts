import { join } from 'node:path';
import { type Instance, Motion } from '@motion-ts/core';
import { assertCommit, assertGet, type Commit, type Limits, type Store, StoreError } from '@motion-ts/core/store';
import { MemoryStore } from '@motion-ts/memory';
import { SqliteStore } from '@motion-ts/sqlite';
import { onTestFinished } from 'vitest';
import { Journal } from '../runtime/fixtures.js';
import { silent, temporaryDirectory } from '../support/places.js';
import { RecordingStore } from '../support/recording-store.js';

/** A store in memory with limits of its own, which it keeps. */
export class Narrow extends RecordingStore {
  constructor(limits: Limits) {
    super(new MemoryStore(), limits);
    this.before = (method, partition, detail) => {
      if (method === 'commit') assertCommit(partition, detail as Commit, this.limits);
      if (method === 'get') assertGet(partition, detail as readonly string[], this.limits);
    };
    this.afterGet = (got) => {
      const bytes = got.entries.reduce((sum, entry) => sum + (entry?.value?.byteLength ?? 0), 0);
      if (bytes > this.limits.getBytes) throw new StoreError('too_large', `a get of ${bytes} bytes`);
      return got;
    };
  }
}

export const NARROW: Limits = {
  valueBytes: 20_000,
  commitBytes: 40_000,
  commitOps: 30,
  getKeys: 7,
  getBytes: 70_000,
};

export function sqlite(): SqliteStore {
  const store = new SqliteStore({ path: join(temporaryDirectory(), 'motion.db'), synchronous: 'NORMAL' });
  onTestFinished(() => store.close());
  return store;
}

/** A Motion that leaves its store open. */
export async function using<T>(
  store: Store,
  updates: 'background' | 'off',
  work: (motion: Motion) => Promise<T>,
  component?: Journal,
): Promise<T> {
  const motion = new Motion({ store, updates, closeStore: false, ...silent });
  try {
    motion.register(Journal, () => component ?? new Journal());
    return await work(motion);
  } finally {
    await motion.close();
  }
}

/** All that can be seen of an instance. */
export async function seen(store: Store, id: string): Promise<unknown> {
  return using(store, 'off', async (motion) => {
    const { lease, dueInMs, ...inspected } = await motion.inspect(Journal, id);
    const instance = await motion.instance(Journal, id, { existing: true });
    return { ...inspected, isDue: dueInMs !== null, letters: await instance.deadLetters() };
  });
}

/** Runs all that is queued, failures included. */
export async function runAll(store: Store, id: string, component?: Journal): Promise<unknown> {
  await using(
    store,
    'background',
    async (motion) => (await motion.instance(Journal, id, { existing: true })).flushUpdates().catch(() => undefined),
    component,
  );
  return seen(store, id);
}

export type Visit = (instance: Instance<Journal>) => Promise<unknown>;

/** Opens an instance, making it if need be. */
export function at(store: Store, id: string, updates: 'background' | 'off', visit: Visit): Promise<unknown> {
  return using(store, updates, async (motion) => visit(await motion.instance(Journal, id)));
}
