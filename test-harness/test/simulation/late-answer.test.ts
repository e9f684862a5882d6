import * as core from '@motion-ts/core';
import type { Commit, CommitResult } from '@motion-ts/core/store';
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

/** A store whose answer to the commit of the first batch comes when a test says so; a later one takes long to arrive. */
class SlowStore extends SimulatedStore {
  readonly applied: Promise<void>;
  answer: () => void = () => undefined;
  private tell: () => void = () => undefined;
  private held = false;
  private readonly clock: Process;

  constructor(...args: ConstructorParameters<typeof SimulatedStore>) {
    super(...args);
    [, this.clock] = args;
    this.applied = new Promise((resolve) => {
      this.tell = resolve;
    });
  }

  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    const first = commit.deletes?.includes(Q1) && !this.held;
    if (commit.deletes?.includes(Q1) && this.held) await this.clock.sleep(1_000);
    const result = await super.commit(partition, commit);
    if (!first) return result;
    this.held = true;
    await new Promise<void>((resolve) => {
      this.answer = resolve;
      this.tell();
    });
    return result;
  }
}

type Waits = 'a call' | 'a flush';

/**
 * The holder's commit of the first batch is applied. Before its answer comes, the store falls back to before that batch, and
 * another call is queued, at the same place, and is waited for.
 *
 * @returns whether it was queued still when its caller was told that it is done
 */
async function toldTooEarly(library: Core, waits: Waits): Promise<boolean> {
  const world = new World(1);
  const server = new SimulatedServer(world, roomy);
  const process = new Process(world, 'P', { offset: 0, rate: 1 });
  const store = new SlowStore(server, process, new SimulatedCache(), calm);
  const motion = new library.Motion({ store, env: process });
  const Journal = journalOf(library) as unknown as new (host: Partial<JournalHost>) => never;
  motion.register(Journal as never, () => new Journal({ process, ran: () => undefined, seen: () => undefined }));

  const story = async (): Promise<boolean> => {
    const journal = await motion.instance(Journal as never, 'a', { init: { birth: 'test' } } as never);
    const call = (label: string, flushUpdates: boolean): Promise<unknown> =>
      journal.run('tell' as never, { label } as never, { flushUpdates });
    const before = server.save();
    await call('first', false);
    await store.applied;
    server.restore(before);
    if (waits === 'a flush') await call('second', false);
    const waiting = waits === 'a flush' ? journal.flushUpdates() : call('second', true);
    const isQueued = (): boolean => server.partitions.get('Journal/a')?.entries.has(Q1) ?? false;
    while (!isQueued()) await process.sleep(1);
    await process.sleep(300);
    store.answer();
    await waiting;
    return isQueued();
  };
  let done = false;
  const told = story().finally(() => {
    done = true;
  });
  await world.run(60_000, () => done);
  return told;
}

test.each<Waits>(['a call', 'a flush'])('%s is told of no commit that came before it', async (waits) => {
  expect(await toldTooEarly(core, waits)).toBe(false);
});

test.each<[Waits, string]>([
  ['a call', 'done by its place alone'],
  ['a flush', 'flushed by what was sent before'],
])('it is what a commit ran, and when it was sent, that %s goes by', async (waits, name) => {
  const mutant = mutants.find((one) => one.name === name);
  if (!mutant) throw new Error('there is no such mutant');
  expect(await toldTooEarly(await coreWith(mutant), waits)).toBe(true);
});
