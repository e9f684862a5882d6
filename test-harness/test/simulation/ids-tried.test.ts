import * as core from '@motion-ts/core';
import { type Commit, type CommitResult, StoreError } from '@motion-ts/core/store';
import { expect, test } from 'vitest';
import { readBatch, readProps, readStored } from '../../src/simulation/audit/layout.js';
import { roomy } from '../../src/simulation/circumstances.js';
import type { Core } from '../../src/simulation/crew.js';
import { calm } from '../../src/simulation/faults.js';
import { type JournalHost, journalOf } from '../../src/simulation/journal/journal.js';
import { SimulatedServer } from '../../src/simulation/server.js';
import { SimulatedCache, SimulatedStore } from '../../src/simulation/simulated-store.js';
import { Process, World } from '../../src/simulation/world.js';
import { coreWith, mutants } from './mutants.js';

/** A store that does with one commit after the other what a test says. */
class ScriptedStore extends SimulatedStore {
  script: ((commit: Commit, pass: () => Promise<CommitResult>) => Promise<CommitResult>) | undefined;

  override commit(partition: string, commit: Commit): Promise<CommitResult> {
    const pass = (): Promise<CommitResult> => super.commit(partition, commit);
    return this.script && commit.appends ? this.script(commit, pass) : pass();
  }
}

/**
 * A caller makes two calls. The answer to the second is lost, and the store falls back to before both; a copy of each is on
 * its way all the time, and both arrive when the second call is just sent anew under another id.
 *
 * @returns what is queued then
 */
async function fallenBack(library: Core): Promise<string[]> {
  const world = new World(1);
  const server = new SimulatedServer(world, roomy);
  const process = new Process(world, 'P', { offset: 0, rate: 1 });
  const store = new ScriptedStore(server, process, new SimulatedCache(), calm);
  const motion = new library.Motion({ store, env: process, updates: 'off' });
  const Journal = journalOf(library) as unknown as new (host: Partial<JournalHost>) => never;
  motion.register(Journal as never, () => new Journal({ process }));
  const partition = 'Journal/a';

  const story = async (): Promise<void> => {
    const journal = await motion.instance(Journal as never, 'a', { init: { birth: 'test' } } as never);
    const call = (label: string): Promise<unknown> => journal.run('tell' as never, { label } as never);
    const before = server.save();
    let first: Commit | undefined;
    store.script = (commit, pass) => {
      first = commit;
      return pass();
    };
    await call('first');

    let sent = 0;
    let second: Commit | undefined;
    store.script = async (commit, pass) => {
      sent++;
      if (sent === 1) {
        second = commit;
        await pass();
        server.restore(before);
        throw new StoreError('unknown', 'the answer is lost');
      }
      if (sent === 2) return pass();
      if (sent === 3) {
        expect(commit.id).not.toBe(second?.id);
        for (const late of [first, second])
          expect(server.commit(partition, late as Commit)).toMatchObject({ ok: true });
      }
      return pass();
    };
    await call('second');
    expect(sent).toBeGreaterThanOrEqual(3);
  };
  let done = false;
  const told = story().finally(() => {
    done = true;
  });
  await world.run(60_000, () => done);
  await told;
  const found = server.partitions.get(partition);
  return [...(found?.entries ?? [])].flatMap(([key, { value }]) => {
    const bytes = key.startsWith('q/') && found && readStored(found, value);
    return bytes ? readBatch(bytes).map(({ payload }) => String(readProps(payload)['label'])) : [];
  });
}

test('a call that landed after all, by a copy of an earlier sending, is not queued a second time', async () => {
  expect(await fallenBack(core)).toEqual(['first', 'second']);
});

test('the rule that all ids that were tried count is what that takes', async () => {
  const mutant = mutants.find(({ name }) => name === 'ids tried are forgotten');
  if (!mutant) throw new Error('there is no such mutant');
  expect(await fallenBack(await coreWith(mutant))).toEqual(['first', 'second', 'second']);
});
