import { Component, InitState, Motion, Serve, type State, Update } from '@motion-ts/core';
import { createTable, DynamoDBStore } from '@motion-ts/dynamodb';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { clientOf, fresh } from './local.js';
import { meter } from './metered.js';

class CounterComponent extends Component<{
  state: { count: number };
  flows: { look: { result: number }; add: { result: number } };
}> {
  static readonly componentName = 'Counter';

  @InitState() setup() {
    return { count: 0 };
  }

  @Serve(['look', 'add']) async next(state: State<CounterComponent>) {
    return state.count + 1;
  }

  @Update('add') async increment(state: State<CounterComponent>) {
    return { count: state.count + 1 };
  }
}

const client = clientOf(inject('serverUrl'));
const tableName = fresh('costs');
const sent = meter(client);
beforeAll(() => createTable(client, { tableName }));
afterAll(() => client.destroy());

/** What is sent while something runs. */
async function during(run: () => Promise<unknown>): Promise<string[]> {
  sent.length = 0;
  await run();
  return [...sent];
}

const count = (all: readonly string[], pattern: RegExp): number => all.filter((one) => pattern.test(one)).length;

/** Looks for what is due go by the clock, not by flows: they are counted by themselves. */
function storeWithoutScans(): DynamoDBStore {
  const store = new DynamoDBStore({ client, tableName });
  store.scan = async () => ({ partitions: [] });
  return store;
}

test('a serve is one plain read', async () => {
  const motion = new Motion({ store: storeWithoutScans() });
  const counter = await motion.instance(CounterComponent, 'serves');
  expect(await during(() => counter.run('look'))).toEqual(['GetItem']);
  await motion.close();
});

test('flows with updates are at most 1 read, 1 append and 1 commit each, beside the lease and looks by the clock', async () => {
  const motion = new Motion({ store: storeWithoutScans() });
  const counter = await motion.instance(CounterComponent, 'updates');
  const flows = 20;
  const waited = await during(async () => {
    for (let n = 0; n < flows; n++) await counter.run('add', undefined, { flushUpdates: true });
  });
  expect(count(waited, /^TransactWriteItems/)).toBeLessThanOrEqual(2 * flows);
  const queued = await during(async () => {
    for (let n = 0; n < flows; n++) await counter.run('add');
    await counter.flushUpdates();
  });
  expect(count(queued, /^TransactWriteItems/)).toBeLessThanOrEqual(2 * flows);
  // 4 items: an append. 3: a commit of one batch, or of what was not queued. 4 and more: of several batches.
  for (const one of [...waited, ...queued])
    expect(one).toMatch(/^(GetItem|UpdateItem|TransactWriteItems ([34]|[1-9]\d?)|TransactGetItems \d+)$/);
  expect(count([...waited, ...queued], /^GetItem/)).toBeGreaterThanOrEqual(2 * flows);
  expect(await counter.readState('count')).toBe(2 * flows);
  const released = await during(async () => {
    while (count(sent, /^UpdateItem$/) === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  });
  expect(count(released, /^UpdateItem$/)).toBe(1);
  await motion.close();
});

test('an instance at rest costs nothing, and a look for what is due 16 queries, or 1 of 16 shards', async () => {
  const motion = new Motion({ store: storeWithoutScans() });
  await motion.instance(CounterComponent, 'rest');
  expect(await during(() => new Promise((resolve) => setTimeout(resolve, 300)))).toEqual([]);
  await motion.close();
  const store = new DynamoDBStore({ client, tableName });
  await store.open();
  expect(await during(() => store.scan({ due: true }))).toEqual(Array.from({ length: 16 }, () => 'Query'));
  expect(await during(() => store.scan({ due: true, shard: [3, 16] }))).toEqual(['Query']);
  expect(await during(() => store.scan({ due: true, shard: [1, 24] }))).toEqual(['Query', 'Query']);
  await store.close();
});
