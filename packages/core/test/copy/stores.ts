import { join } from 'node:path';
import { copyInstances, type Instance, Motion } from '@motion-ts/core';
import { assertCommit, assertGet, type Commit, type Limits, type Store, StoreError } from '@motion-ts/core/store';
import { MemoryStore } from '@motion-ts/memory';
import { SqliteStore } from '@motion-ts/sqlite';
import { expect, onTestFinished } from 'vitest';
import { Journal } from '../runtime/fixtures.js';
import { silent, temporaryDirectory, until } from '../support/places.js';
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

/** State, applied updates, a dead letter, a used key, and three calls that wait. */
export async function live(store: Store, ...ids: string[]): Promise<void> {
  for (const id of ids)
    await at(store, id, 'background', async (instance) => {
      await instance.run('add', { word: `of ${id}` }, { flushUpdates: true });
      await instance.run('add', { word: 'keyed' }, { idempotencyKey: 'k1', flushUpdates: true });
      await instance.run('fail', { word: 'dead' }, { flushUpdates: true }).catch(() => undefined);
      await instance.run('big', { size: 100_000 }, { flushUpdates: true });
    });
  // Only then: what is queued for one would be run by whoever works for another.
  for (const id of ids)
    await at(store, id, 'off', async (instance) => {
      await instance.run('add', { word: 'first' });
      await instance.run('add', { word: 'second' }, { idempotencyKey: 'k2' });
      await instance.run('twice', { word: 'x'.repeat(12_000) });
    });
}

/** Moves instances from one store to the next: each must have them as the first one had, and the last one go on with them. */
export async function moveAlong(stores: readonly Store[]): Promise<void> {
  const ids = ['a', 'b'];
  const [first, last] = [stores[0] as Store, stores.at(-1) as Store];
  await live(first, ...ids);
  const before = await Promise.all(ids.map((id) => seen(first, id)));
  for (const [n, to] of stores.slice(1).entries()) {
    const from = stores[n] as Store;
    await isShown(from, ids.length);
    const report = await copyInstances(from, to, { components: [Journal] });
    expect(report).toMatchObject({ copied: ids.length, problems: [] });
    expect(await Promise.all(ids.map((id) => seen(to, id)))).toEqual(before);
  }
  await at(last, 'a', 'off', async (instance) => {
    for (const idempotencyKey of ['k1', 'k2']) await instance.run('add', { word: 'again' }, { idempotencyKey });
  });
  const x = 'x'.repeat(12_000);
  expect(await runAll(last, 'a')).toMatchObject({
    state: { log: ['of a', 'keyed', 'first', 'second', `${x}1`, `${x.toUpperCase()}2`] },
    deadLetters: 1,
    queued: 0,
  });
}

/** Some stores show in a scan what was made only a moment later. */
async function isShown(store: Store, ids: number): Promise<void> {
  await until(async () => (await store.scan({ prefix: 'Journal/' })).partitions.length === ids);
}
