import * as core from '@motion-ts/core';
import type { Snapshot } from '@motion-ts/core/store';
import { expect, test } from 'vitest';
import { roomy } from '../../src/simulation/circumstances.js';
import type { Core } from '../../src/simulation/crew.js';
import { calm } from '../../src/simulation/faults.js';
import { type JournalHost, journalOf } from '../../src/simulation/journal/journal.js';
import { SimulatedServer } from '../../src/simulation/server.js';
import { SimulatedCache, SimulatedStore } from '../../src/simulation/simulated-store.js';
import { Process, World } from '../../src/simulation/world.js';
import { coreWith, mutants } from './mutants.js';

const Q1 = 'q/0000000000000001';

/** A store that falls back just when the holder has seen a batch in the queue, and not yet its chunks. */
class FallingStore extends SimulatedStore {
  fallBack: (() => void) | undefined;

  override async get(...args: Parameters<SimulatedStore['get']>): Promise<Snapshot> {
    const snapshot = await super.get(...args);
    const [, keys] = args;
    if (this.fallBack && keys.includes(Q1) && snapshot.seq > 0) {
      this.fallBack();
      this.fallBack = undefined;
    }
    return snapshot;
  }
}

/**
 * A caller queues a call that is too long for one entry. A worker in another process sees it, and then it is gone with its
 * chunks: the store fell back. The lease was taken before, and stands.
 *
 * @returns what the worker's process said of it
 */
async function fallenBack(library: Core): Promise<string[]> {
  const world = new World(1);
  const server = new SimulatedServer(world, { ...roomy, getBytes: 200_000, valueBytes: 20_000 });
  const cache = new SimulatedCache();
  const Journal = journalOf(library) as unknown as new (host: Partial<JournalHost>) => never;
  const said: string[] = [];
  const start = (name: string, Store: typeof SimulatedStore): { store: SimulatedStore; motion: core.Motion } => {
    const process = new Process(world, name, { offset: 0, rate: 1 });
    const store = new Store(server, process, cache, calm);
    const onError = (error: unknown): unknown => said.push(String(error));
    const motion = new library.Motion({ store, env: process, updates: 'off', onError });
    const host = { process, ran: () => undefined, seen: () => undefined };
    motion.register(Journal as never, () => new Journal(host));
    return { store, motion };
  };
  const until = async (done: () => boolean): Promise<void> => {
    expect(await world.run(world.now + 60_000, done)).toBe(true);
  };
  const caller = start('P', SimulatedStore);
  const worker = start('W', FallingStore);
  let done = false;
  const settle = (): void => {
    done = true;
  };
  const handle = caller.motion.instance(Journal as never, 'a', { init: { birth: 'test' } } as never);
  handle.then(settle, settle);
  await until(() => done);
  const journal = await handle;
  const before = server.partitions.get('Journal/a');
  const entries = new Map(before?.entries);

  const run = journal.run('tell' as never, { label: 'first', size: 10, set: Array(4_000).fill('key') } as never);
  done = false;
  run.then(settle, settle);
  await until(() => done);
  expect([...(server.partitions.get('Journal/a')?.entries.keys() ?? [])].some((key) => key.startsWith('b/'))).toBe(
    true,
  );
  (worker.store as FallingStore).fallBack = () => {
    const now = server.partitions.get('Journal/a');
    if (!now) throw new Error('there is no instance');
    // All but the lease, which the replica has got already.
    for (const key of [...now.entries.keys()]) if (key !== 'root' && !entries.has(key)) now.entries.delete(key);
    now.seq = 0;
  };
  worker.motion.worker();
  await until(() => (worker.store as FallingStore).fallBack === undefined);
  await world.run(world.now + 5_000);
  return said;
}

test('a batch that a store lost when it fell back is not called damaged', async () => {
  expect(await fallenBack(core)).toEqual([]);
});

test('it is a second look that this takes', async () => {
  const mutant = mutants.find(({ name }) => name === 'damage without a second look');
  if (!mutant) throw new Error('there is no such mutant');
  expect((await fallenBack(await coreWith(mutant))).join()).toContain('is missing or damaged in the store');
});
