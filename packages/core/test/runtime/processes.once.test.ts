import { join } from 'node:path';
import { Motion } from '@motion-ts/core';
import { SqliteStore } from '@motion-ts/sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { silent, temporaryDirectory, until } from '../support/places.js';
import { Ledger } from './processes/ledger.js';
import { Child } from './processes/start.js';

const TTL = 500;

function database(): string {
  return join(temporaryDirectory(), 'motion.db');
}

function here(path: string, options: { updates?: 'off'; beside?: (word: string) => string } = {}): Motion {
  const { beside, ...rest } = options;
  const motion = new Motion({ store: new SqliteStore({ path }), lease: { ttlMs: TTL }, ...silent, ...rest });
  motion.register(Ledger, () => new Ledger(beside));
  onTestFinished(() => motion.close());
  return motion;
}

/** Kept for runs that are to be repeated: the same waits again. */
let seed = 20_241;
function random(below: number): number {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
  return seed % below;
}

test('kill -9 right after an acknowledgement: 20 times, nothing lost, nothing doubled, all in order', async () => {
  const path = database();
  const acknowledged: string[] = [];
  for (let round = 0; round < 20; round++) {
    const prefix = `r${round}-`;
    const child = new Child({ does: 'call', path, prefix, ttlMs: TTL });
    await child.tells('acknowledged', 5 + random(20));
    child.kill('SIGKILL');
    await child.ended;
    for (const told of child.told) if ('acknowledged' in told) acknowledged.push(`${prefix}${told.acknowledged}`);
  }
  const ledger = await here(path).instance(Ledger, 'a');
  await ledger.flushUpdates();
  const log = (await ledger.readState('log')) as string[];
  expect(new Set(log).size).toBe(log.length);
  const known = new Set(acknowledged);
  expect(log.filter((word) => known.has(word))).toEqual(acknowledged);
  // What was not acknowledged may be there: the last call of each round.
  expect(log.length - acknowledged.length).toBeLessThanOrEqual(20);
  expect(acknowledged.length).toBeGreaterThan(100);
}, 90_000);

test('kill -9 of callers with idempotency keys, who call again: each call once', async () => {
  const path = database();
  let from = 0;
  for (let round = 0; round < 10; round++) {
    const child = new Child({ does: 'call', path, from, keyed: true, ttlMs: TTL });
    await child.tells('acknowledged', 3 + random(15));
    child.kill('SIGKILL');
    await child.ended;
    // It does not know whether the last one got there: so it says that again.
    from += child.told.filter((told) => 'acknowledged' in told).length;
  }
  const ledger = await here(path).instance(Ledger, 'a');
  await ledger.flushUpdates();
  const log = (await ledger.readState('log')) as string[];
  expect(log.slice(0, from)).toEqual(Array.from({ length: from }, (_, n) => `${n}`));
  expect(log.length).toBeLessThanOrEqual(from + 1);
}, 60_000);

test('an update that kills its process becomes a dead letter; its neighbours are applied, in order', async () => {
  const path = database();
  const off = await here(path, { updates: 'off' }).instance(Ledger, 'a');
  const words = Array.from({ length: 41 }, (_, n) => (n === 20 ? 'kill' : `${n}`));
  for (const word of words) await off.run('add', { word });
  let done = false;
  const flushed = off.flushUpdates().then(
    () => 'fulfilled',
    (error: { code: string; errors: { message: string }[] }) => error,
  );
  void flushed.then(() => {
    done = true;
  });
  let deaths = 0;
  while (!done && deaths < 12) {
    const child = new Child({ does: 'work', path, ttlMs: TTL });
    await Promise.race([child.ended, flushed]);
    if (!done) deaths++;
    else child.kill('SIGKILL');
  }
  expect(await flushed).toMatchObject({ code: 'UPDATE_FAILED', errors: [{}] });
  expect(await off.readState('log')).toEqual(words.filter((word) => word !== 'kill'));
  expect(await off.deadLetters()).toMatchObject([{ props: { word: 'kill' } }]);
  expect(deaths).toBeLessThanOrEqual(7);
}, 60_000);

test('a holder that stalls past its ttl is replaced; its late commit is refused, and it is told', async () => {
  for (let round = 0; round < 3; round++) {
    const path = database();
    const off = await here(path, { updates: 'off' }).instance(Ledger, 'a');
    await off.run('add', { word: 'hold' });
    await off.run('add', { word: 'next' });
    const child = new Child({ does: 'work', path, ttlMs: TTL });
    const [running] = await child.tells('running');
    child.kill('SIGSTOP');
    const ran: string[] = [];
    here(path, { beside: (word) => `${ran.push(word)} ${word} by parent` });
    await off.flushUpdates();
    const log = await off.readState('log');
    expect(log).toEqual(['1 hold by parent', '2 next by parent']);
    child.kill('SIGCONT');
    expect(await child.tells('aborted')).toEqual([{ aborted: 'LEASE_LOST' }]);
    await off.run('add', { word: 'last' }, { flushUpdates: true });
    expect(await off.readState('log')).toHaveLength(3);
    expect(await off.version()).toBeLessThanOrEqual(4);
    expect(running).toMatchObject({ running: 'hold', epoch: 1 });
    child.kill('SIGKILL');
    await child.ended;
  }
}, 60_000);

test('SIGTERM while an update runs: it is finished once, another takes over at once, exit code 0', async () => {
  const path = database();
  const off = await here(path, { updates: 'off' }).instance(Ledger, 'a');
  for (let round = 0; round < 5; round++) {
    const child = new Child({ does: 'work', path, ttlMs: 10_000 });
    const word = `hold${round}`;
    await off.run('add', { word });
    await off.run('add', { word: `next${round}` });
    await child.tells('running');
    // It saw the other at work.
    const other = new Child({ does: 'work', path, ttlMs: 10_000 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGTERM');
    await child.tells('closed');
    const from = performance.now();
    await off.flushUpdates();
    // A lease that was not given back would last for ten seconds.
    expect(performance.now() - from).toBeLessThan(5_000);
    expect(await child.ended).toEqual({ code: 0, signal: null });
    expect(other.told).toEqual([]);
    other.kill('SIGTERM');
    expect(await other.ended).toEqual({ code: 0, signal: null });
  }
  const expected = Array.from({ length: 5 }, (_, round) => [`hold${round} by child`, `next${round}`]).flat();
  expect(await off.readState('log')).toEqual(expected);
}, 60_000);

test('two processes that make one instance at once make one', async () => {
  const path = database();
  const children = Array.from({ length: 4 }, (_, n) => new Child({ does: 'call', path, prefix: `${n}-`, ttlMs: TTL }));
  await Promise.all(children.map((child) => child.tells('acknowledged', 10)));
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(children.map(({ ended }) => ended));
  const ledger = await here(path).instance(Ledger, 'a');
  await ledger.flushUpdates();
  const log = (await ledger.readState('log')) as string[];
  for (const [n, child] of children.entries()) {
    const mine = log.filter((word) => word.startsWith(`${n}-`));
    const acknowledged = child.told.filter((told) => 'acknowledged' in told).length;
    expect(mine).toEqual(mine.map((_, k) => `${n}-${k}`));
    expect(mine.length - acknowledged).toBeGreaterThanOrEqual(0);
    expect(mine.length - acknowledged).toBeLessThanOrEqual(1);
  }
}, 30_000);

test.each([['memory'], ['sqlite']])(
  'a program that ends with close() exits by itself: %s',
  async (kind) => {
    const child = new Child({ does: 'end', ...(kind === 'sqlite' && { path: database() }), ttlMs: 10_000 });
    await child.tells('closed');
    const from = performance.now();
    expect(await child.ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - from).toBeLessThan(500);
    expect(child.told).toEqual([{ closed: true }]);
  },
  15_000,
);

test('a program whose updates are left to others may end at any time', async () => {
  const path = database();
  const off = await here(path, { updates: 'off' }).instance(Ledger, 'a');
  const child = new Child({ does: 'work', path });
  await off.run('add', { word: 'x' }, { flushUpdates: true });
  child.kill('SIGKILL');
  await child.ended;
  await off.run('add', { word: 'y' });
  await here(path).instance(Ledger, 'other');
  await until(async () => ((await off.readState('log')) as string[]).length === 2);
});
