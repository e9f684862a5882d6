import { fork } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from '@motion-ts/core/store';
import { SqliteStore, type SqliteStoreOptions } from '@motion-ts/sqlite';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, test } from 'vitest';
import type { Connection } from '../src/connection.js';
import { prepareFile } from '../src/schema.js';
import { temporaryDirectory } from './directory.js';

const directory = temporaryDirectory();
const opened: SqliteStore[] = [];
let files = 0;

function fileName(): string {
  return join(directory, `${files++}.db`);
}

function open(options: SqliteStoreOptions): SqliteStore {
  const store = new SqliteStore(options);
  opened.push(store);
  return store;
}

async function failureOf(call: Promise<unknown>): Promise<StoreError> {
  const error = await call.then(
    () => expect.fail('it resolved'),
    (reason: unknown) => reason,
  );
  if (!StoreError.is(error)) throw error;
  return error;
}

/** Root may write everywhere; this takes the right away for a while. */
async function withoutRoot<T>(run: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return run();
  process.seteuid?.(65_534);
  try {
    return await run();
  } finally {
    process.seteuid?.(0);
  }
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
});

describe('options', () => {
  test.each([
    [{}],
    [{ path: '' }],
    [{ path: 'a', timeOutMs: 10 }],
    [undefined],
    [{ path: 'a', database: new Database(':memory:') }],
    [{ path: 'a', synchronous: 'OFF' }],
    [{ path: 'a', timeoutMs: Number.NaN }],
    [{ database: {} }],
  ])('%j is invalid', (options) => {
    expect(() => new SqliteStore(options as never)).toThrow(StoreError);
  });

  test('the constructor opens nothing', async () => {
    const path = fileName();
    const store = open({ path });
    expect(existsSync(path)).toBe(false);
    await store.close();
    expect(existsSync(path)).toBe(false);
  });
});

describe('a file that cannot be used', () => {
  test('one that is no database is corrupt, and is left as it is', async () => {
    const path = fileName();
    writeFileSync(path, 'this is no database '.repeat(500));
    expect(await failureOf(open({ path }).get('p', []))).toMatchObject({ code: 'corrupt' });
  });

  test('a database of another program is refused and not written to', async () => {
    const path = fileName();
    const foreign = new Database(path);
    foreign.exec('CREATE TABLE theirs (a)');
    foreign.close();
    const error = await failureOf(open({ path }).get('p', []));
    expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining(path) });
    const after = new Database(path, { readonly: true });
    expect(after.pragma('journal_mode', { simple: true })).toBe('delete');
    expect(after.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()).toBe(1);
    after.close();
  });

  test('another schema version is refused', async () => {
    const path = fileName();
    const store = open({ path });
    await store.get('p', []);
    await store.close();
    const other = new Database(path);
    other.pragma('user_version = 99');
    other.close();
    const error = await failureOf(open({ path }).get('p', []));
    expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining('99') });
  });

  test('a missing directory is invalid, and works once it is there', async () => {
    const path = join(directory, 'later', 'a.db');
    const store = open({ path });
    const error = await failureOf(store.get('p', []));
    expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining('directory') });
    mkdirSync(join(directory, 'later'));
    expect((await store.get('p', [])).seq).toBe(0);
  });

  test('a directory in place of a file is invalid', async () => {
    expect(await failureOf(open({ path: directory }).get('p', []))).toMatchObject({ code: 'invalid' });
  });

  test('a directory or file that may not be written is invalid', async () => {
    const locked = join(directory, 'locked');
    mkdirSync(locked);
    const path = join(locked, 'a.db');
    const store = open({ path });
    await store.commit('p', { id: 'a.1', puts: [{ key: 'a', value: new Uint8Array(1) }] });
    await store.close();
    chmodSync(directory, 0o755);
    chmodSync(path, 0o444);
    chmodSync(locked, 0o555);
    await withoutRoot(async () => {
      expect(await failureOf(open({ path }).get('p', []))).toMatchObject({ code: 'invalid' });
      expect(await failureOf(open({ path: join(locked, 'new.db') }).get('p', []))).toMatchObject({ code: 'invalid' });
    });
    chmodSync(locked, 0o755);
  });

  test('a read-only connection is invalid', async () => {
    const path = fileName();
    new Database(path).close();
    const database = new Database(path, { readonly: true });
    expect(await failureOf(open({ database }).get('p', []))).toMatchObject({ code: 'invalid' });
    database.close();
  });
});

describe('opening at once', () => {
  test('many stores of one process', async () => {
    const path = fileName();
    const stores = Array.from({ length: 8 }, () => open({ path }));
    const results = await Promise.all(
      stores.map((store, i) => store.commit('p', { id: `a.${i}`, appends: [new Uint8Array(1)] })),
    );
    expect(results.map((result) => (result.ok ? result.seq : 0)).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('many processes', async () => {
    const path = fileName();
    const child = new URL('./writer.mjs', import.meta.url);
    const ends = Array.from({ length: 4 }, () => {
      const process = fork(child, [path, '5'], { execArgv: [] });
      return new Promise((resolve) => process.once('exit', resolve));
    });
    expect(await Promise.all(ends)).toEqual([0, 0, 0, 0]);
    expect((await open({ path }).get('p', [])).seq).toBe(20);
  });

  test('another process that creates the tables at any step of opening', async () => {
    for (let step = 1; step <= 6; step++) {
      const path = fileName();
      const database = new Database(path);
      let steps = 0;
      const interrupted = new Proxy(database, {
        get(target, name) {
          const member = Reflect.get(target, name);
          if (name !== 'prepare' && name !== 'exec') return typeof member === 'function' ? member.bind(target) : member;
          return (sql: string) => {
            if (++steps === step && !target.inTransaction) {
              const other = new Database(path);
              prepareFile(other as Connection, path, 'FULL');
              other.close();
            }
            return target[name](sql);
          };
        },
      });
      const store = open({ database: interrupted as never });
      expect(await store.get('p', []), `step ${step}`).toMatchObject({ seq: 0 });
      await store.close();
      database.close();
    }
  });
});

describe("a caller's connection", () => {
  test('is used and stays open', async () => {
    const database = new Database(fileName());
    const store = open({ database });
    await store.commit('p', { id: 'a.1', appends: [new Uint8Array(1)] });
    await store.close();
    expect(database.open).toBe(true);
    expect(database.prepare('SELECT count(*) FROM entry').pluck().get()).toBe(2);
    database.close();
  });

  test('with 64-bit integers by default works alike', async () => {
    const database = new Database(':memory:').defaultSafeIntegers(true);
    const store = open({ database });
    expect(await store.commit('p', { id: 'a.1', appends: [new Uint8Array(1)], due: { in: 0 } })).toEqual({
      ok: true,
      seq: 1,
    });
    expect((await store.get('p', [])).seq).toBe(1);
    expect((await store.scan({ due: true })).partitions).toEqual(['p']);
    database.close();
  });

  test('is waited for while it has a transaction open', async () => {
    const database = new Database(fileName());
    const store = open({ database });
    await store.commit('p', { id: 'a.1', puts: [{ key: 'a', value: new Uint8Array(1) }] });
    database.exec('BEGIN');
    const calls = Promise.all([
      store.get('p', ['a']),
      store.commit('p', { id: 'a.2', puts: [{ key: 'a', value: new Uint8Array(2) }] }),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(database.inTransaction).toBe(true);
    database.exec('ROLLBACK');
    expect((await calls)[1]).toEqual({ ok: true });
    database.close();
  });

  test('that was closed by its owner makes calls reject as invalid', async () => {
    const database = new Database(':memory:');
    const store = open({ database });
    await store.get('p', []);
    database.close();
    expect(await failureOf(store.get('p', []))).toMatchObject({ code: 'invalid' });
    expect(await failureOf(store.commit('p', { id: 'a.1' }))).toMatchObject({ code: 'invalid' });
  });
});
