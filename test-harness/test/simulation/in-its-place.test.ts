import * as core from '@motion-ts/core';
import { expect, test } from 'vitest';
import { roomy } from '../../src/simulation/circumstances.js';
import type { Core } from '../../src/simulation/crew.js';
import { calm } from '../../src/simulation/faults.js';
import { type JournalHost, type JournalState, journalOf } from '../../src/simulation/journal/journal.js';
import { SimulatedServer } from '../../src/simulation/server.js';
import { SimulatedCache, SimulatedStore } from '../../src/simulation/simulated-store.js';
import { Process, World } from '../../src/simulation/world.js';
import { coreWith, mutants } from './mutants.js';

const Q1 = 'q/0000000000000001';

/**
 * An idle holder runs a call before it is queued. It takes long, and so it is queued meanwhile; and lost, as the store falls
 * back. Another call is queued in its place, and then the first one has run.
 *
 * @returns what ran, and what of it is in the state, by the calls' labels
 */
async function takenPlace(library: Core): Promise<{ readonly ran: string[]; readonly log: string[] }> {
  const world = new World(1);
  const server = new SimulatedServer(world, roomy);
  const process = new Process(world, 'P', { offset: 0, rate: 1 });
  const store = new SimulatedStore(server, process, new SimulatedCache(), calm);
  const motion = new library.Motion({ store, env: process, onError: () => undefined });
  const Journal = journalOf(library) as unknown as new (host: Partial<JournalHost>) => never;
  const labels = new Map<string, string>();
  const ran: JournalHost['ran'] = (id, { label }) => void labels.set(id, label);
  motion.register(Journal as never, () => new Journal({ process, ran, seen: () => undefined }));

  const story = async (): Promise<string[]> => {
    const journal = await motion.instance(Journal as never, 'a', { init: { birth: 'test' } } as never);
    const call = (label: string, ms?: number): Promise<unknown> =>
      journal.run('tell' as never, { label, ms } as never, { flushUpdates: true }).catch(() => undefined);
    const isQueued = (): boolean => server.partitions.get('Journal/a')?.entries.has(Q1) ?? false;
    const writes = journal.writeState({ k0: 'the holder is here' } as never);
    await writes;
    while (isQueued()) await process.sleep(1);
    // As long as the holder is idle, calls run before they are queued.
    const before = server.save();
    const seq = before.get('Journal/a')?.seq ?? 0;
    const lost = call('lost', 2_000);
    while ((server.partitions.get('Journal/a')?.seq ?? 0) === seq) await process.sleep(1);
    await process.sleep(50);
    server.restore(before);
    await Promise.all([lost, call('told')]);
    const { log } = (await journal.readState()) as unknown as JournalState;
    return log.map((id) => labels.get(id) ?? id);
  };
  let done = false;
  const told = story().finally(() => {
    done = true;
  });
  await world.run(120_000, () => done);
  return { log: await told, ran: [...labels.values()] };
}

test('a call that was queued in the place of a lost one is run, and nothing else is committed for it', async () => {
  expect(await takenPlace(core)).toEqual({ ran: ['lost', 'told'], log: ['told'] });
});

test('it takes a look at whose place it is', async () => {
  const mutant = mutants.find(({ name }) => name === 'another in its place');
  if (!mutant) throw new Error('there is no such mutant');
  expect((await takenPlace(await coreWith(mutant))).log).not.toContain('told');
});
