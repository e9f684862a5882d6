import { Component, InitState, Motion, type State, Update } from '@motion-ts/core';
import { disturbed } from '@motion-ts/test-harness';
import { freePort, type RedisServer, startRedisCluster, startRedisWithSentinel } from '@motion-ts/test-harness/servers';
import { expect, test, vi } from 'vitest';
import { appendUntil, failureOf, fresh, open } from './clients.js';

const module = new URL('./open.mjs', import.meta.url);
const nightly = process.env['MOTION_NIGHTLY'] === '1';
/** One slot of each of three masters. */
const SLOTS = [0, 8_000, 16_000] as const;

class Counter extends Component<{
  state: { count: number; doubled: number };
  flows: { add: { props: { by?: number } } };
}> {
  @InitState() setup() {
    return { count: 0, doubled: 0 };
  }
  @Update('add') add({ count }: State<Counter>) {
    return { count: count + 1, doubled: 2 * (count + 1) };
  }
}

test('a sentinel makes a replica the master, again and again: nothing that replicas had is lost', {
  timeout: 600_000,
}, async () => {
  const redis = await startRedisWithSentinel();
  const { sentinels, name } = redis;
  try {
    const { problems, figures, seed } = await disturbed({
      store: {
        module,
        argument: { options: { sentinels, name }, namespace: 'failed-over', wait: { replicas: 1 }, timeoutMs: 2_000 },
      },
      what: 'failovers',
      times: nightly ? 20 : 3,
      disturb: redis.failOver,
      everyMs: 500,
      ttlMs: 2_000,
      instances: 8,
      updates: nightly ? 5_000 : 300,
      timeoutMs: 500_000,
    });
    expect(problems, `seed ${seed}`).toEqual([]);
    expect(figures['failovers']).toBeGreaterThanOrEqual(3);
  } finally {
    await redis.stop();
  }
});

test('the masters of a cluster hand over to their replicas under load: nothing is lost', {
  timeout: 600_000,
}, async () => {
  const cluster = await startRedisCluster({ replicas: 1 });
  try {
    let turn = 0;
    const { problems, figures, seed } = await disturbed({
      store: { module, argument: { cluster: { nodes: cluster.nodes }, namespace: 'handed-over', timeoutMs: 2_000 } },
      what: 'failovers',
      times: nightly ? 12 : 3,
      disturb: () => cluster.failOver(SLOTS[turn++ % SLOTS.length] as number),
      everyMs: 500,
      ttlMs: 2_000,
      instances: 16,
      updates: nightly ? 5_000 : 300,
      timeoutMs: 500_000,
    });
    expect(problems, `seed ${seed}`).toEqual([]);
    expect(figures['failovers']).toBeGreaterThanOrEqual(3);
  } finally {
    await cluster.stop();
  }
});

test('the same store goes on with the new master, and its writer with what it had', { timeout: 120_000 }, async () => {
  const redis = await startRedisWithSentinel();
  const { sentinels, name } = redis;
  try {
    const options = { options: { sentinels, name }, wait: { replicas: 1 }, timeoutMs: 1_000 };
    const namespace = fresh('failover');
    const store = open({ ...options, namespace });
    const hints: (string | undefined)[] = [];
    open({ ...options, namespace }).watch((partition) => hints.push(partition));
    let stopped = false;
    const writing = appendUntil(store, 'p', () => stopped);
    try {
      await redis.failOver();
      // A subscription follows the master, too.
      const from = hints.length;
      await vi.waitUntil(() => hints.slice(from).includes('p'), 30_000);
    } finally {
      stopped = true;
    }
    const n = await writing;
    const { seq } = await store.get('p', ['w']);
    expect(seq).toBe(n);
    for (const server of redis.servers) await server.process.stop();
    expect(['unavailable', 'unknown']).toContain((await failureOf(store.commit('p', { id: fresh('c') }))).code);
  } finally {
    await redis.stop();
  }
});

/** How far in its master's stream a server is, or its replicas could be. */
async function offsetOf(server: RedisServer): Promise<number> {
  const info = String(await server.ask('INFO', 'replication'));
  return Number(/^(?:slave_repl_offset|master_repl_offset):(\d+)/m.exec(info)?.[1]);
}

test('without waiting for replicas, a failover takes what they did not have, from the end, and all goes on from there', {
  timeout: 120_000,
}, async () => {
  const redis = await startRedisWithSentinel();
  const { sentinels, name } = redis;
  const motion = new Motion({ store: open({ options: { sentinels, name } }), onError: () => undefined });
  try {
    const counter = await motion.instance(Counter, 'one');
    const add = (): Promise<unknown> => counter.run('add', {}, { flushUpdates: true });
    for (let n = 0; n < 20; n++) await add();
    const master = await redis.master();
    const replicas = redis.servers.filter((server) => server !== master);
    // WAIT would wait for what its own connection wrote.
    const written = await offsetOf(master);
    for (const replica of replicas)
      await expect.poll(() => offsetOf(replica), { timeout: 10_000 }).toBeGreaterThanOrEqual(written);
    // From now on they hear nothing of it.
    const nowhere = await freePort();
    for (const replica of replicas) await replica.ask('REPLICAOF', '127.0.0.1', nowhere);
    for (let n = 0; n < 10; n++) await add();
    expect(await counter.readState()).toEqual({ count: 30, doubled: 60 });
    await redis.failOver();
    expect(await counter.readState()).toEqual({ count: 20, doubled: 40 });
    for (let n = 0; n < 5; n++) await add();
    expect(await counter.readState()).toEqual({ count: 25, doubled: 50 });
  } finally {
    await motion.close();
    await redis.stop();
  }
});
