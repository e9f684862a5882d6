import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { StoreError } from '@motion-ts/core/store';
import { PostgresStore, SCHEMA_VERSION, schemaSql } from '@motion-ts/postgres';
import { startPostgres } from '@motion-ts/test-harness/servers';
import { describe, expect, inject, test } from 'vitest';
import { bytes, failureOf, fresh, open, poolOf, sql, urlWith } from './stores.js';

const url = inject('serverUrl');
const put = { puts: [{ key: 'a', value: bytes('1') }] };

describe('options', () => {
  test.each([
    [{}],
    [{ url, connection: {} }],
    [{ url: 'mysql://localhost' }],
    [{ url: 'postgres://[bad' }],
    [{ url, namespace: '' }],
    [{ url, namespace: 'a"b' }],
    [{ url, namespace: 'pg_motion' }],
    [{ url, namespace: 'n'.repeat(41) }],
    [{ url, timeoutMs: 0 }],
    [{ url, timeOutMs: 10 }],
    [undefined],
    [{ url, timeoutMs: Number.NaN }],
    [{ url, connections: 1 }],
    [{ url, connections: 2.5 }],
    [{ url, createSchema: 'no' }],
    [{ pool: {} }],
    [{ pool: { connect() {}, on() {}, removeListener() {}, options: { max: 1 } } }],
  ])('%j is invalid', (options) => {
    expect(() => new PostgresStore(options as never)).toThrow(StoreError);
    expect(() => schemaSql('a b')).toThrow(StoreError);
  });

  test('the constructor connects to nothing', async () => {
    await new PostgresStore({ url: 'postgres://nobody@127.0.0.1:1/none' }).close();
  });

  test('a connection may be given as options', async () => {
    const { hostname, port, username } = new URL(url);
    const connection = { host: hostname, port: Number(port), user: username, database: 'postgres' };
    const store = open({ connection, namespace: fresh('n') });
    expect(await store.commit('p', { id: fresh(), ...put })).toEqual({ ok: true });
  });

  test('open does what the first call would do', async () => {
    const namespace = fresh('n');
    await open({ url, namespace }).open();
    expect(await sql(url, `SELECT version FROM "${namespace}".meta`)).toEqual([{ version: SCHEMA_VERSION }]);
    expect(await failureOf(open({ url: 'postgres://a@127.0.0.1:1/b' }).open())).toMatchObject({ code: 'unavailable' });
  });
});

describe('a server that lets nobody in', () => {
  test('a wrong password, user or database is invalid, named without the password, and works once mended', async () => {
    const server = await startPostgres({ password: 'right' });
    try {
      for (const parts of [{ password: 'secret-guess' }, { username: 'stranger' }, { password: '' }]) {
        const error = await failureOf(open({ url: urlWith(server.url, parts) }).get('p', []));
        expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining(`:${server.port}`) });
        expect(String(error.stack)).not.toContain('secret-guess');
      }
      const store = open({ url: urlWith(server.url, { pathname: '/later' }) });
      const error = await failureOf(store.commit('p', { id: fresh(), ...put }));
      expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining('create it') });
      await sql(server.url, 'CREATE DATABASE later');
      expect(await store.commit('p', { id: fresh(), ...put })).toEqual({ ok: true });
    } finally {
      await server.stop();
    }
  });

  test('a server without a free connection is unavailable', async () => {
    const server = await startPostgres({ settings: { max_connections: '5', superuser_reserved_connections: '0' } });
    try {
      const greedy = poolOf(server.url, { max: 5 });
      const held = await Promise.all(Array.from({ length: 5 }, () => greedy.connect()));
      const store = open({ url: server.url });
      expect(await failureOf(store.commit('p', { id: fresh(), ...put }))).toMatchObject({ code: 'unavailable' });
      for (const client of held) client.release(true);
      expect(await store.commit('p', { id: fresh(), ...put })).toEqual({ ok: true });
    } finally {
      await server.stop();
    }
  });
});

describe('the schema', () => {
  test('is made at the first call, once, and used by the next store', async () => {
    const namespace = fresh('n');
    await open({ url, namespace }).commit('p', { id: 'c.1', ...put });
    expect((await open({ url, namespace }).get('p', ['a'])).entries[0]?.rev).toBe('c.1');
  });

  test('is missing where createSchema is false, until someone runs schemaSql, which may be run again', async () => {
    const namespace = fresh('n');
    const store = open({ url, namespace, createSchema: false });
    const error = await failureOf(store.get('p', []));
    expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining(`schemaSql('${namespace}')`) });
    expect(await sql(url, 'SELECT to_regnamespace($1) AS it', [`"${namespace}"`])).toEqual([{ it: null }]);
    await sql(url, schemaSql(namespace));
    await sql(url, schemaSql(namespace));
    expect(await store.commit('p', { id: fresh(), ...put })).toEqual({ ok: true });
  });

  test('of another version is refused', async () => {
    const namespace = fresh('n');
    await open({ url, namespace }).open();
    await sql(url, `UPDATE "${namespace}".meta SET version = 99`);
    const error = await failureOf(open({ url, namespace }).get('p', []));
    expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining('99') });
  });

  test('of another program is refused and left as it is', async () => {
    const namespace = fresh('n');
    await sql(url, `CREATE SCHEMA "${namespace}"; CREATE TABLE "${namespace}".entry (theirs int)`);
    expect(await failureOf(open({ url, namespace }).get('p', []))).toMatchObject({ code: 'invalid' });
    expect(await sql(url, `SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = $1`, [namespace])).toEqual([
      { n: 1 },
    ]);
  });

  test('that is dropped under our feet is made again by the next call', async () => {
    const namespace = fresh('n');
    const store = open({ url, namespace });
    await store.commit('p', { id: fresh(), ...put });
    await sql(url, `DROP SCHEMA "${namespace}" CASCADE`);
    expect(await failureOf(store.commit('p', { id: fresh(), ...put }))).toMatchObject({ code: 'invalid' });
    expect(await store.commit('p', { id: fresh(), ...put })).toEqual({ ok: true });
  });

  test('is made by two processes at the same moment, 20 times', async () => {
    const children = [0, 1].map(() => fork(new URL('./creator.mjs', import.meta.url), [], { execArgv: [] }));
    await Promise.all(children.map((child) => once(child, 'message')));
    for (let round = 0; round < 20; round++) {
      const namespace = fresh('n');
      const answers = await Promise.all(
        children.map((child) => {
          const answer = once(child, 'message');
          child.send({ url, namespace });
          return answer;
        }),
      );
      expect(answers.map(([answer]) => answer).sort((a, b) => a.seq - b.seq)).toEqual([{ seq: 1 }, { seq: 2 }]);
    }
    for (const child of children) {
      child.disconnect();
      await once(child, 'exit');
    }
  }, 90_000);
});

test('a store that was forgotten keeps no process alive', async () => {
  const namespace = fresh('n');
  const child = fork(new URL('./forgotten.mjs', import.meta.url), [url, namespace], { execArgv: [] });
  // What is open is the store's only; the channel to this process would keep it alive as well.
  child.disconnect();
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
  expect((await open({ url, namespace }).scan({ prefix: '' })).partitions.length).toBe(20);
}, 20_000);

/** What the README tells to grant, for a role and a namespace. */
function grantsOfReadme(role: string, namespace: string): string[] {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, block = ''] = /## Permissions[\s\S]*?```sql\n([\s\S]*?)```/.exec(readme) ?? [];
  return block
    .split(';')
    .map((grant) => grant.trim().replaceAll('motion', `"${namespace}"`).replaceAll('app', `"${role}"`))
    .filter((grant) => grant !== '');
}

describe('permissions', () => {
  test('a role with what the README grants can do everything; without any one of it, it is told', async () => {
    const [role, namespace] = [fresh('role'), fresh('n')];
    await sql(url, schemaSql(namespace));
    await sql(url, `CREATE ROLE "${role}" LOGIN PASSWORD 'x'`);
    const as = { url: urlWith(url, { username: role, password: 'x' }), namespace, createSchema: false };
    const everything = async (): Promise<void> => {
      const store = open(as);
      await store.commit('p', { id: fresh(), ...put, appends: [bytes('x')], due: { in: 0 } });
      await store.get('p', ['a']);
      await store.get('p', ['a', 'b', 'c', 'd', 'e', 'f']);
      await store.list('p', { prefix: '', limit: 10 });
      await store.scan({ due: true });
      await store.cacheSet('p', 'a', bytes('1'), 1000);
      await store.cacheGet('p', 'a');
      await store.cacheClear('p');
      await store.commit('p', { id: fresh(), deletes: ['a', 'q/0000000000000001'], drop: true });
    };
    const grants = grantsOfReadme(role, namespace);
    expect(grants.length).toBeGreaterThanOrEqual(2);
    for (const missing of grants) {
      await sql(url, `DROP OWNED BY "${role}"`);
      for (const grant of grants) if (grant !== missing) await sql(url, grant);
      const error = await failureOf(everything());
      expect(error).toMatchObject({
        code: 'invalid',
        message: expect.stringMatching(/permission denied.*Permissions/),
      });
    }
    for (const grant of grants) await sql(url, grant);
    await everything();
    // It may not make a schema, and is told so.
    const other = open({ ...as, namespace: fresh('n'), createSchema: true });
    expect(await failureOf(other.get('p', []))).toMatchObject({ code: 'invalid' });
    await sql(url, `DROP OWNED BY "${role}"; DROP ROLE "${role}"`);
  });
});

describe("a caller's pool", () => {
  test('is used by two stores of different namespaces, and stays open', async () => {
    const pool = poolOf(url);
    const stores = [open({ pool, namespace: fresh('n') }), open({ pool, namespace: fresh('n') })];
    for (const [i, store] of stores.entries())
      await store.commit('p', { id: fresh(), puts: [{ key: 'a', value: bytes(`${i}`) }] });
    for (const [i, store] of stores.entries())
      expect((await store.get('p', ['a'])).entries[0]?.value).toEqual(bytes(`${i}`));
    for (const store of stores) await store.close();
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect(pool.listenerCount('error')).toBe(0);
  });

  test('that was ended by its owner makes calls reject as invalid', async () => {
    const pool = poolOf(url);
    const store = open({ pool, namespace: fresh('n') });
    await store.get('p', []);
    await pool.end();
    expect(await failureOf(store.get('p', []))).toMatchObject({ code: 'invalid' });
    expect(await failureOf(store.commit('p', { id: fresh() }))).toMatchObject({ code: 'invalid' });
    pool.end = () => Promise.resolve();
  });

  test('at an isolation level that would let many writers win is refused', async () => {
    const pool = poolOf(url, { options: '-c default_transaction_isolation=serializable' });
    const store = open({ pool, namespace: fresh('n') });
    const error = await failureOf(store.commit('p', { id: fresh(), ...put }));
    expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining('read committed') });
    expect((await store.get('p', ['a'])).entries).toEqual([undefined]);
  });
});
