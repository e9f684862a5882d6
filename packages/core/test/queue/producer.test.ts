import { StoreError } from '@motion-ts/core/store';
import { MemoryStore } from '@motion-ts/memory';
import { expect, test } from 'vitest';
import { defaultQueueOptions, type QueueContext } from '../../src/queue/context.js';
import { Producer } from '../../src/queue/producer.js';
import { Chunks } from '../../src/state/chunks.js';
import { INIT } from '../../src/state/keys.js';
import type { Call } from '../../src/state/records.js';
import { systemEnv } from '../../src/system-env.js';
import { errorOf } from '../support/places.js';
import { RecordingStore } from '../support/recording-store.js';

const PARTITION = 'Journal/a';
const value = new Uint8Array([1]);
const callOf = (id: string): Call => ({ id, flow: 'add', updates: ['add'], payload: value, at: 0 });

/**
 * Two producers of one process, and so on one slot, for one life of an instance. That comes about when a store falls back to
 * before the instance was cleared: handles from before that go on, beside those that are opened now.
 */
async function twoProducers(): Promise<{ store: RecordingStore; one: Producer; other: Producer }> {
  const store = new RecordingStore(new MemoryStore());
  await store.commit(PARTITION, { id: 'life', checks: [{ key: INIT, rev: null }], puts: [{ key: INIT, value }] });
  const queue = {
    env: systemEnv,
    store,
    partition: PARTITION,
    what: PARTITION,
    session: 'session',
    chunks: new Chunks(store, systemEnv, PARTITION, 1_000),
    options: defaultQueueOptions,
  } as Partial<QueueContext> as QueueContext;
  const producer = (): Producer => new Producer(queue, 'life', () => undefined);
  return { store, one: producer(), other: producer() };
}

const queued = async (store: RecordingStore): Promise<number> => (await store.get(PARTITION, [])).seq;

test('two producers on one slot take turns', async () => {
  const { store, one, other } = await twoProducers();
  for (const id of ['a', 'b', 'c']) {
    await one.append({ call: callOf(`one-${id}`) });
    await other.append({ call: callOf(`other-${id}`) });
  }
  expect(await queued(store)).toBe(6);
});

test('an append is not made twice when another producer wrote the slot before its answer was missed', async () => {
  const { store, one, other } = await twoProducers();
  await one.append({ call: callOf('before') });
  let isFirst = true;
  store.afterCommit = async () => {
    if (!isFirst) return;
    isFirst = false;
    await other.append({ call: callOf('other') });
    throw new StoreError('unknown', 'the answer was lost');
  };
  // It is queued, but what says so was written over.
  expect(await errorOf(one.append({ call: callOf('one') }))).toMatchObject({ code: 'unknown' });
  expect(await queued(store)).toBe(3);
  await one.append({ call: callOf('after') });
  expect(await queued(store)).toBe(4);
});
