import { join } from 'node:path';
import { copyInstances, Motion } from '@motion-ts/core';
import { SqliteStore } from '@motion-ts/sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { Child } from '../runtime/processes/start.js';
import { silent, sleep, temporaryDirectory } from '../support/places.js';
import { Counter, type Order, type Told } from './processes/child.js';

const program = new URL('./processes/child.ts', import.meta.url);
const start = (order: Order): Child<Told> => new Child<Told>(order, program);

function files(): { from: string; to: string } {
  const directory = temporaryDirectory();
  return { from: join(directory, 'from.db'), to: join(directory, 'to.db') };
}

function open(path: string): SqliteStore {
  const store = new SqliteStore({ path, synchronous: 'NORMAL' });
  onTestFinished(() => store.close());
  return store;
}

/** What every instance has seen, after all that is queued was run. */
async function seenIn(path: string): Promise<Map<string, { seen: Record<string, number>; order: readonly string[] }>> {
  const motion = new Motion({ store: open(path), closeStore: false, ...silent });
  const all = new Map<string, { seen: Record<string, number>; order: readonly string[] }>();
  for await (const id of motion.instances(Counter)) {
    const counter = await motion.instance(Counter, id, { existing: true });
    await counter.flushUpdates();
    const { seen, order, pad } = await counter.readState();
    expect(pad).toHaveLength(300_000);
    all.set(id, { seen, order });
  }
  await motion.close();
  return all;
}

test('a process that is killed while it moves instances leaves each in one place, and another goes on', {
  timeout: 120_000,
}, async () => {
  const { from, to } = files();
  const instances = 30;
  const maker = start({ does: 'call', path: from, name: 'm', instances, calls: 2 * instances, makes: true });
  expect((await maker.ended).code).toBe(0);
  let kills = 0;
  let left = instances;
  while (left > 0 && kills < 15) {
    const mover = start({ does: 'copy', from, to });
    // Not always in the same place: between two instances, or inside one.
    const first = await Promise.race([mover.tells('done', 1 + (kills % 4)), mover.ended]);
    if (Array.isArray(first)) await sleep(kills % 7);
    mover.kill('SIGKILL');
    await mover.ended;
    kills++;
    const [store, motion] = [open(from), new Motion({ store: open(to), closeStore: false, updates: 'off', ...silent })];
    left = 0;
    for (let n = 0; n < instances; n++) {
      const stays = (await store.get(`Counter/i${n}`, ['init'])).entries[0] !== undefined;
      const isThere = await motion.inspect(Counter, `i${n}`).then(
        () => true,
        () => false,
      );
      expect(stays && isThere, `i${n} is in both`).toBe(false);
      if (!isThere) left++;
    }
    await motion.close();
  }
  expect(kills).toBeGreaterThan(3);
  const report = await copyInstances(open(from), open(to), { components: [Counter] });
  expect(report.problems).toEqual([]);
  const all = await seenIn(to);
  expect(all.size).toBe(instances);
  for (const [id, { seen }] of all) {
    const n = Number(id.slice(1));
    expect(seen).toEqual({ [`m-${n}`]: 1, [`m-${n + instances}`]: 1 });
  }
  console.log(`moving ${instances} instances: ${kills} processes killed, 0 lost, 0 doubled`);
});

test('instances that move while processes call on them lose no call, and double none that is made again', {
  timeout: 120_000,
}, async () => {
  const { from, to } = files();
  const instances = 4;
  const maker = start({ does: 'call', path: from, name: 'm', instances, calls: instances, makes: true });
  expect((await maker.ended).code).toBe(0);
  const callers = ['a', 'b'].map((name) => start({ does: 'call', path: from, name, instances }));
  for (const caller of callers) await caller.tells('called', 20);
  const report = await copyInstances(open(from), open(to), { components: [Counter] });
  expect(report).toMatchObject({ copied: instances, problems: [] });
  for (const caller of callers) await caller.tells('failed', instances);
  for (const caller of callers) {
    caller.kill('SIGKILL');
    await caller.ended;
  }
  const told = callers.flatMap((caller) => caller.told);
  const codes = new Set(told.flatMap((line) => ('code' in line ? [line.code] : [])));
  for (const code of codes) expect(['INSTANCE_GONE', 'INSTANCE_MOVED']).toContain(code);
  // Whoever does not know calls again, with the same key, where the instance is now.
  const motion = new Motion({ store: open(to), closeStore: false, ...silent });
  const doubtful = told.flatMap((line) => ('failed' in line ? [{ key: line.failed, instance: line.instance }] : []));
  const called = told.flatMap((line) => ('called' in line ? [{ key: line.called, instance: line.instance }] : []));
  for (const { key, instance } of doubtful) {
    const counter = await motion.instance(Counter, instance, { existing: true });
    await counter.run('count', { key }, { idempotencyKey: key });
    await counter.close();
  }
  await motion.close();
  const all = await seenIn(to);
  for (const { key, instance } of [...called, ...doubtful])
    expect([key, all.get(instance)?.seen[key]]).toEqual([key, 1]);
  for (const [id, { seen, order }] of all) {
    expect(Object.values(seen).filter((times) => times !== 1)).toEqual([]);
    for (const name of ['a', 'b']) {
      const own = order.filter((key) => key.startsWith(`${name}-`)).map((key) => Number(key.slice(2)));
      const before = own.filter((n) => called.some(({ key }) => key === `${name}-${n}`));
      expect(before, `${id} ${name}`).toEqual([...before].sort((x, y) => x - y));
    }
  }
  console.log(
    `moved under load: ${called.length} calls acknowledged, ${doubtful.length} made again, 0 lost, 0 doubled`,
  );
});
