import { fork } from 'node:child_process';
import { join } from 'node:path';
import { appendKey, StoreError } from '@motion-ts/core/store';
import { SqliteStore } from '@motion-ts/sqlite';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from './directory.js';

const directory = temporaryDirectory();
let files = 0;
const fileName = (): string => join(directory, `${files++}.db`);
const put = (id: string, key: string, size = 10) => ({ id, puts: [{ key, value: new Uint8Array(size).fill(1) }] });

describe('group commit', () => {
  test('commits of one turn share a transaction', async () => {
    const database = new Database(fileName());
    const store = new SqliteStore({ database });
    await store.commit('p', put('a.0', 'k'));
    // The number of the WAL's frames grows by the pages that a transaction changed: one leaf for all of these.
    const frames = (): number => (database.pragma('wal_checkpoint(PASSIVE)') as { log: number }[])[0]?.log ?? 0;
    const before = frames();
    await Promise.all(Array.from({ length: 20 }, (_, i) => store.commit('p', put(`b.${i}`, 'k'))));
    expect(frames() - before).toBeLessThan(5);
    database.close();
  });

  test('a bad apple harms no other', async () => {
    const database = new Database(fileName());
    const store = new SqliteStore({ database });
    await store.get('p', []);
    database.exec(`CREATE TEMP TRIGGER apple BEFORE INSERT ON entry WHEN new.k = 'bad'
      BEGIN SELECT RAISE(ABORT, 'a bad apple'); END`);
    const outcomes = await Promise.allSettled([
      store.commit('p', put('a.1', 'one')),
      store.commit('p', { ...put('a.2', 'bad'), appends: [new Uint8Array(1)] }),
      store.commit('p', { ...put('a.3', 'three'), appends: [new Uint8Array(1)] }),
      store.commit('p', { ...put('a.4', 'one'), checks: [{ key: 'one', rev: 'a.1' }] }),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    const [, bad] = outcomes;
    expect(bad?.status === 'rejected' && bad.reason).toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('a.2 in p'),
    });
    const { seq, entries } = await store.get('p', ['one', 'bad', 'three', appendKey(1)]);
    expect([seq, ...entries.map((entry) => entry?.rev)]).toEqual([1, 'a.4', undefined, 'a.3', 'a.3']);
    database.close();
  });

  test('more commits than a group holds are all applied in order', async () => {
    const store = new SqliteStore({ path: fileName(), synchronous: 'NORMAL' });
    const results = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => store.commit('p', { id: `a.${i}`, appends: [new Uint8Array(8)] })),
    );
    expect(results.map((result) => (result.ok ? result.seq : 0))).toEqual(
      Array.from({ length: 1000 }, (_, i) => i + 1),
    );
    await store.close();
  });

  test('a drop that would leave an entry is refused alone', async () => {
    const store = new SqliteStore({ path: ':memory:' });
    const outcomes = await Promise.allSettled([
      store.commit('p', put('a.1', 'left')),
      store.commit('p', { id: 'a.2', drop: true }),
      store.commit('p', put('a.3', 'more')),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await store.close();
  });
});

describe('a writer in another connection', () => {
  test('is waited for without blocking the event loop, and then it is unavailable', async () => {
    const path = fileName();
    const store = new SqliteStore({ path, timeoutMs: 300 });
    await store.commit('p', put('a.1', 'k'));
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    let longest = 0;
    let last = performance.now();
    const ticks = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const started = performance.now();
    const error = await store.commit('p', put('a.2', 'k')).catch((reason: unknown) => reason);
    expect(StoreError.is(error, 'unavailable')).toBe(true);
    expect(performance.now() - started).toBeGreaterThanOrEqual(290);
    clearInterval(ticks);
    expect(longest).toBeLessThan(150);
    // Readers are not held up.
    expect((await store.get('p', ['k'])).entries[0]?.rev).toBe('a.1');
    const waiting = store.commit('p', put('a.3', 'k'));
    other.exec('COMMIT');
    expect(await waiting).toEqual({ ok: true });
    other.close();
    await store.close();
  });

  test('does not keep close from settling', async () => {
    const path = fileName();
    const store = new SqliteStore({ path, timeoutMs: 100 });
    await store.commit('p', put('a.1', 'k'));
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    const commit = store.commit('p', put('a.2', 'k')).catch((error: StoreError) => error.code);
    await store.close();
    expect(await commit).toBe('unavailable');
    other.close();
  });

  test('is noticed at opening', async () => {
    const path = fileName();
    const other = new Database(path);
    other.exec('BEGIN EXCLUSIVE');
    const store = new SqliteStore({ path, timeoutMs: 100 });
    const error = await store.get('p', []).catch((reason: unknown) => reason);
    expect(StoreError.is(error, 'unavailable')).toBe(true);
    other.exec('ROLLBACK');
    other.close();
    expect((await store.get('p', [])).seq).toBe(0);
    await store.close();
  });
});

describe('large values', () => {
  test('leave nothing behind when they are replaced or deleted', async () => {
    const database = new Database(fileName());
    const store = new SqliteStore({ database });
    const large = database;
    let n = 0;
    const id = (): string => `a.${n++}`;
    for (const size of [5000, 6000, 10, 7000, 0, 8000]) await store.commit('p', put(id(), 'k', size));
    const rev = (await store.get('p', ['k'])).entries[0]?.rev ?? null;
    await store.commit('p', { ...put(id(), 'k', 10), checks: [{ key: 'k', rev }] });
    const count = large.prepare('SELECT count(*) FROM large').pluck();
    expect(count.get()).toBe(0);
    await store.commit('p', { id: id(), puts: put('', 'k', 9000).puts, appends: [new Uint8Array(9000)] });
    expect(count.get()).toBe(2);
    await store.commit('p', { id: id(), deletes: ['k', appendKey(1)], drop: true });
    expect(count.get()).toBe(0);
    database.close();
  });

  test('are not read when their revision is known', async () => {
    const database = new Database(':memory:');
    const store = new SqliteStore({ database });
    await store.commit('p', put('a.1', 'k', 5000));
    // Were it read, it would be missing.
    database.exec('PRAGMA ignore_check_constraints = 1; DELETE FROM large');
    expect((await store.get('p', ['k'], { known: ['a.1'] })).entries[0]).toEqual({ key: 'k', rev: 'a.1' });
    database.close();
  });

  test('are memory of their own', async () => {
    const store = new SqliteStore({ path: ':memory:' });
    await store.commit('p', put('a.1', 'k', 20));
    const value = (await store.get('p', ['k'])).entries[0]?.value;
    expect(value?.buffer.byteLength).toBe(20);
    expect(value?.constructor).toBe(Uint8Array);
    await store.close();
  });
});

test('alarms that came too early are corrected by the scan that finds them', async () => {
  const database = new Database(':memory:');
  const store = new SqliteStore({ database });
  for (let i = 0; i < 10; i++) await store.commit(`p${i}`, { id: `a.${i}`, due: { in: -1 } });
  for (let i = 0; i < 10; i++) await store.commit(`p${i}`, { id: `b.${i}`, due: { in: i < 5 ? null : 60_000 } });
  expect(await store.scan({ due: true })).toEqual({ partitions: [] });
  await store.commit('x', { id: 'c.1' });
  const alarms = database.prepare('SELECT count(*) FROM alarm').pluck();
  expect(alarms.get()).toBe(5);
  await store.commit('p0', { id: 'c.2', due: { ifNullIn: -1 } });
  await store.commit('p9', { id: 'c.3', due: { in: -1 } });
  expect([...(await store.scan({ due: true })).partitions].sort()).toEqual(['p0', 'p9']);
  expect(alarms.get()).toBe(6);
  database.close();
});

test('expired cache rows are swept', async () => {
  const database = new Database(':memory:');
  const store = new SqliteStore({ database });
  for (let i = 0; i < 501; i++) await store.cacheSet('p', `k${i}`, new Uint8Array(1), -1);
  expect(database.prepare('SELECT count(*) FROM cache').pluck().get()).toBe(0);
  database.close();
});

test('kill -9 loses no acknowledged commit', async () => {
  const path = fileName();
  for (let round = 0; round < 3; round++) {
    const acknowledged: { key: string; seq: number }[] = [];
    const child = fork(new URL('./writer.mjs', import.meta.url), [path, '1000000'], { execArgv: [] });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    await new Promise<void>((resolve) => {
      child.on('message', (message) => {
        acknowledged.push(message as { key: string; seq: number });
        if (acknowledged.length === 200 + round * 37) resolve();
      });
    });
    child.kill('SIGKILL');
    await gone;
    const store = new SqliteStore({ path });
    const { seq } = await store.get('p', []);
    expect(seq).toBeGreaterThanOrEqual(acknowledged.at(-1)?.seq ?? 0);
    for (const one of acknowledged) {
      const { entries } = await store.get('p', [one.key, appendKey(one.seq)]);
      expect(entries.every((entry) => entry !== undefined)).toBe(true);
    }
    await store.close();
  }
  const database = new Database(path);
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
  database.close();
});
