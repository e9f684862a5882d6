import { appendKey, type CommitResult, type Store, StoreError, type StoreErrorCode } from '@motion-ts/core/store';
import { type PgPool, PostgresStore } from '@motion-ts/postgres';
import { type PostgresServer, startPostgres } from '@motion-ts/test-harness/servers';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { bytes, eventually, failureOf, fresh, open, pause, poolOf, sql } from './stores.js';

const url = inject('serverUrl');
const put = () => ({ id: fresh('c'), puts: [{ key: 'a', value: bytes('1') }] });

/** Every method once, by name. */
function calls(store: Store, partition = 'p'): Record<string, Promise<unknown>> {
  return {
    get: store.get(partition, ['a']),
    'get of many': store.get(partition, ['a', 'b', 'c', 'd', 'e', 'f']),
    list: store.list(partition, { prefix: '', limit: 10 }),
    commit: store.commit(partition, put()),
    scan: store.scan({ due: true }),
    cacheGet: store.cacheGet(partition, 'a'),
    cacheSet: store.cacheSet(partition, 'a', bytes('1'), 1000),
    cacheClear: store.cacheClear(partition),
  };
}

/** Asserts that all reject within a time, with one of some codes. */
async function allReject(
  all: Record<string, Promise<unknown>>,
  withinMs: number,
  codeOf: (method: string) => readonly StoreErrorCode[],
): Promise<void> {
  const start = performance.now();
  const outcomes = await Promise.all(
    Object.entries(all).map(async ([method, call]) => {
      const error = await failureOf(call);
      return { method, error, ms: performance.now() - start };
    }),
  );
  for (const { method, error, ms } of outcomes) {
    expect(codeOf(method), `${method}: ${error.message}`).toContain(error.code);
    expect(ms, `${method} took ${ms} ms`).toBeLessThan(withinMs);
  }
}

describe('a server that comes and goes', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  }, 60_000);
  afterAll(() => server.stop());

  test('down: every method is unavailable at once; back: calls work again', async () => {
    const store = open({ url: server.url, namespace: fresh('n') });
    await Promise.all(Object.values(calls(store)));
    await server.process.kill();
    // Connections that were lost are noticed by whatever uses them first.
    await Promise.allSettled(Object.values(calls(store)));
    await allReject(calls(store), 5000, () => ['unavailable']);
    await server.process.restart();
    await Promise.all(Object.values(calls(store)));
  }, 60_000);

  test('down before the first call: unavailable, and works once it is up', async () => {
    const store = open({ url: server.url, namespace: fresh('n') });
    await server.process.stop();
    await allReject(calls(store), 5000, () => ['unavailable']);
    await server.process.restart();
    await Promise.all(Object.values(calls(store)));
  }, 60_000);

  test('killed under load: what was acknowledged is there, in order, and work goes on', async () => {
    const store = open({ url: server.url, namespace: fresh('n'), timeoutMs: 2000 });
    await store.open();
    const partitions = Array.from({ length: 12 }, () => fresh('p'));
    const acknowledged = new Map<string, string[]>(partitions.map((name) => [name, []]));
    let [working, errors] = [true, 0];
    const work = async (partition: string): Promise<void> => {
      for (let n = 0; working; n++) {
        const value = `${n}`;
        try {
          const result = await store.commit(partition, { id: fresh('c'), appends: [bytes(value)] });
          if (result.ok) acknowledged.get(partition)?.push(`${result.seq}:${value}`);
        } catch (error) {
          if (!StoreError.is(error) || !['unknown', 'unavailable'].includes(error.code)) throw error;
          errors++;
          await pause(20);
        }
      }
    };
    const workers = partitions.map(work);
    for (let round = 0; round < 3; round++) {
      await pause(300);
      await server.process.kill();
      await pause(200);
      await server.process.restart();
    }
    const before = [...acknowledged.values()].map((all) => all.length);
    await eventually('every worker goes on', () =>
      [...acknowledged.values()].every((all, i) => all.length > (before[i] as number) + 3),
    );
    working = false;
    await Promise.all(workers);
    expect(errors).toBeGreaterThan(0);
    for (const [partition, all] of acknowledged) {
      const { seq } = await store.get(partition, []);
      const values = new Map<number, string>();
      for (let from = 1; from <= seq; from += 500) {
        const keys = Array.from({ length: Math.min(500, seq - from + 1) }, (_, i) => appendKey(from + i));
        for (const [i, entry] of (await store.get(partition, keys)).entries.entries()) {
          expect(entry, `gap at ${from + i} of ${seq}`).toBeDefined();
          values.set(from + i, new TextDecoder().decode(entry?.value));
        }
      }
      for (const one of all) {
        const [number, value] = one.split(':');
        expect(values.get(Number(number))).toBe(value);
      }
    }
  }, 90_000);

  test('hanging: every call settles in time, and all works again once it goes on', async () => {
    const timeoutMs = 1000;
    const store = open({ url: server.url, namespace: fresh('n'), timeoutMs });
    await Promise.all(Object.values(calls(store)));
    server.process.pause();
    try {
      const settled = timeoutMs + 1000;
      const codes = (method: string): StoreErrorCode[] =>
        method.startsWith('commit') ? ['unknown', 'unavailable'] : ['unavailable'];
      // First on connections that are there, then on new ones, and more than there are connections.
      await allReject(calls(store), settled, codes);
      await allReject(calls(store), settled, codes);
      const many = Object.fromEntries(
        Array.from({ length: 60 }, (_, i) => Object.entries(calls(store, `p${i}`)))
          .flat()
          .map(([method, call], i) => [`${method} ${i}`, call]),
      );
      await allReject(many, settled, codes);
    } finally {
      server.process.resume();
    }
    await eventually('it works again', () =>
      Promise.all(Object.values(calls(store))).then(
        () => true,
        () => false,
      ),
    );
    await Promise.all(Object.values(calls(store)));
  }, 60_000);

  test('hanging: close settles, and leaves nothing open', async () => {
    const store = new PostgresStore({ url: server.url, namespace: fresh('n'), timeoutMs: 1000 });
    await store.open();
    const stop = store.watch(() => {});
    server.process.pause();
    try {
      const late = failureOf(store.get('p', []));
      const start = performance.now();
      await store.close();
      expect(performance.now() - start).toBeLessThan(4000);
      expect(await late).toMatchObject({ code: 'unavailable' });
      stop();
    } finally {
      server.process.resume();
    }
  }, 60_000);
});

describe('connections that the server ends', () => {
  const end = (namespace: string): Promise<unknown> =>
    sql(
      url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE pid <> pg_backend_pid() AND application_name = $1`,
      [namespace],
    );

  test('idle: nobody notices', async () => {
    const namespace = fresh('n');
    const connection = { connectionString: url, application_name: namespace };
    const store = open({ connection, namespace });
    for (let round = 0; round < 5; round++) {
      await Promise.all(Object.values(calls(store)));
      await end(namespace);
      await pause(50);
    }
    await Promise.all(Object.values(calls(store)));
  });

  test('while it listens: hints come again', async () => {
    const namespace = fresh('n');
    const listening = open({ connection: { connectionString: url, application_name: namespace }, namespace });
    const writing = open({ url, namespace });
    const told = new Set<string | undefined>();
    const stop = listening.watch((partition) => told.add(partition));
    const hears = (): Promise<void> => {
      const partition = fresh('p');
      return eventually('a change is told of', async () => {
        await writing.commit(partition, put());
        return told.has(partition);
      });
    };
    await hears();
    await end(namespace);
    await hears();
    stop();
  });
});

describe('a lock that another holds', () => {
  test('makes commits of that partition unavailable, and no other; nothing is left running', async () => {
    const [namespace, timeoutMs] = [fresh('n'), 1000];
    const store = open({ connection: { connectionString: url, application_name: namespace }, namespace, timeoutMs });
    await store.commit('held', put());
    const holder = new pg.Client(url);
    await holder.connect();
    await holder.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [`${namespace}/held`]);
    const held = failureOf(store.commit('held', put()));
    const others = await Promise.all(Array.from({ length: 50 }, (_, i) => store.commit(`p${i}`, put())));
    expect(others.every((result: CommitResult) => result.ok)).toBe(true);
    // Among others, it does not hold them up either.
    const among = [failureOf(store.commit('held', put())), ...others.map((_, i) => store.commit(`p${i}`, put()))];
    expect(await held).toMatchObject({ code: 'unavailable' });
    expect((await store.get('held', ['a'])).entries.length).toBe(1);
    expect((await Promise.all(among)).length).toBe(51);
    const running = await sql(
      url,
      `SELECT query FROM pg_stat_activity WHERE application_name = $1 AND state = 'active'`,
      [namespace],
    );
    expect(running).toEqual([]);
    await holder.end();
    expect(await store.commit('held', put())).toEqual({ ok: true });
  });
});

describe('what the server refuses', () => {
  test('a read-only server is unavailable, with the advice to go to the primary', async () => {
    const namespace = fresh('n');
    await open({ url, namespace }).open();
    const pool = poolOf(url, { options: '-c default_transaction_read_only=on' });
    const store = open({ pool, namespace });
    expect((await store.get('p', [])).seq).toBe(0);
    const error = await failureOf(store.commit('p', put()));
    expect(error).toMatchObject({ code: 'unavailable', message: expect.stringContaining('primary') });
  });

  test.each([
    ['53100', 'full'],
    ['40001', 'unavailable'],
    ['40P01', 'unavailable'],
    ['53200', 'unavailable'],
    ['54000', 'too_large'],
    ['58030', 'unknown'],
    ['XX000', 'unknown'],
  ] as const)('an error %s while it writes is %s, for that commit and no other', async (state, code) => {
    const namespace = fresh('n');
    const store = open({ url, namespace, connections: 3 });
    await store.open();
    await sql(
      url,
      `CREATE FUNCTION "${namespace}".refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '${state}'; END $$;
       CREATE TRIGGER refuse BEFORE INSERT ON "${namespace}".entry FOR EACH ROW WHEN (NEW.k = 'refused')
         EXECUTE FUNCTION "${namespace}".refuse()`,
    );
    const refused = { id: fresh('c'), puts: [{ key: 'refused', value: bytes('1') }] };
    expect(await failureOf(store.commit('p', refused))).toMatchObject({ code });
    if (code === 'unknown') return;
    // In a batch: a first one keeps the only lane busy.
    const first = store.commit('first', put());
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) =>
        store.commit(`p${i}`, i === 4 ? { ...refused, id: fresh('c') } : { id: fresh('c'), appends: [bytes('x')] }),
      ),
    );
    await first;
    expect(outcomes.map((outcome) => outcome.status)).toEqual(
      Array.from({ length: 10 }, (_, i) => (i === 4 ? 'rejected' : 'fulfilled')),
    );
    for (let i = 0; i < 10; i++) expect((await store.get(`p${i}`, [])).seq).toBe(i === 4 ? 0 : 1);
  });

  test('a commit whose answer is lost is unknown, though it was applied', async () => {
    const namespace = fresh('n');
    const real = poolOf(url);
    let cut = false;
    const pool: PgPool = {
      options: { max: 4 },
      on: () => pool,
      removeListener: () => pool,
      connect: (done) =>
        (real as unknown as PgPool).connect((error, client, release) => {
          const query = client?.query.bind(client);
          if (client !== undefined && query !== undefined)
            Object.defineProperty(client, 'query', {
              configurable: true,
              value: ((statement, answered) =>
                query(statement, (failed, result) =>
                  cut ? answered(new Error('Connection terminated unexpectedly'), result) : answered(failed, result),
                )) as typeof client.query,
            });
          done(error, client, release);
        }),
    };
    const store = open({ pool, namespace });
    await store.open();
    cut = true;
    expect(await failureOf(store.commit('p', put()))).toMatchObject({ code: 'unknown' });
    expect(await failureOf(store.get('p', ['a']))).toMatchObject({ code: 'unavailable' });
    cut = false;
    expect((await store.get('p', ['a'])).entries[0]).toBeDefined();
  });
});
