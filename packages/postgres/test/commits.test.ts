import { appendKey, type Commit } from '@motion-ts/core/store';
import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { bytes, failureOf, fresh, open, sql } from './stores.js';

const url = inject('serverUrl');
const change = (commit: Omit<Commit, 'id'>): Commit => ({ id: fresh('c'), ...commit });

test('of six clients that create an entry of a fresh partition at the same moment, one wins, 150 times', async () => {
  const namespace = fresh('n');
  const stores = Array.from({ length: 6 }, () => open({ url, namespace, connections: 2 }));
  await Promise.all(stores.map((store) => store.open()));
  for (let round = 0; round < 150; round++) {
    const partition = `p${round}`;
    const commits = stores.map((_, i) =>
      change({ checks: [{ key: 'a', rev: null }], puts: [{ key: 'a', value: bytes(`${i}`) }], appends: [bytes('x')] }),
    );
    const results = await Promise.all(stores.map((store, i) => store.commit(partition, commits[i] as Commit)));
    expect(results.filter((result) => result.ok)).toEqual([{ ok: true, seq: 1 }]);
    const { seq, entries } = await (stores[round % 6] as (typeof stores)[0]).get(partition, ['a']);
    expect([seq, entries[0]?.rev]).toEqual([1, commits[results.findIndex((result) => result.ok)]?.id]);
  }
}, 60_000);

test('two clients that commit to the same partitions in batches lose nothing', async () => {
  const namespace = fresh('n');
  const stores = [open({ url, namespace, connections: 3 }), open({ url, namespace, connections: 3 })];
  const partitions = Array.from({ length: 30 }, (_, i) => `p${i}`);
  await Promise.all(
    stores.flatMap((store, s) =>
      // In opposite orders.
      (s === 0 ? partitions : [...partitions].reverse()).map(async (partition) => {
        for (let n = 0; n < 20; n++)
          expect(await store.commit(partition, change({ appends: [bytes(`${s}.${n}`)] }))).toMatchObject({ ok: true });
      }),
    ),
  );
  for (const partition of partitions) {
    const all = await stores[0]?.list(partition, { prefix: 'q/', limit: 100 });
    expect(all?.length).toBe(40);
    for (const s of [0, 1]) {
      const mine = all?.map(({ value }) => new TextDecoder().decode(value)).filter((text) => text.startsWith(`${s}.`));
      expect(mine).toEqual(Array.from({ length: 20 }, (_, n) => `${s}.${n}`));
    }
  }
});

test('a batch waits for no lock, so there are no deadlocks: only the commit that needs it waits, alone', async () => {
  const namespace = fresh('n');
  const store = open({ url, namespace, connections: 3 });
  await store.open();
  const holder = new pg.Client(url);
  await holder.connect();
  await holder.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [`${namespace}/held`]);
  // A first one keeps the only lane busy, so that the others gather.
  const first = store.commit('first', change({}));
  let settled = false;
  const held = store.commit('held', change({ appends: [bytes('x')] })).finally(() => {
    settled = true;
  });
  await Promise.all(Array.from({ length: 20 }, (_, i) => store.commit(`p${i}`, change({ appends: [bytes('x')] }))));
  expect(settled).toBe(false);
  await holder.end();
  expect(await held).toEqual({ ok: true, seq: 1 });
  await first;
});

test('commits and gets of many partitions at once share statements, each with its own answer', async () => {
  const namespace = fresh('n');
  const store = open({ url, namespace, connections: 3 });
  await store.open();
  await store.commit('p7', change({ puts: [{ key: 'a', value: bytes('there') }] }));
  await sql(
    url,
    `CREATE TABLE "${namespace}".counted (t xid8);
     CREATE FUNCTION "${namespace}".count() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN INSERT INTO "${namespace}".counted VALUES (pg_current_xact_id()); RETURN NULL; END $$;
     CREATE TRIGGER count AFTER INSERT ON "${namespace}".entry FOR EACH STATEMENT EXECUTE FUNCTION "${namespace}".count()`,
  );
  const results = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      store.commit(
        `p${i}`,
        change({
          checks: [{ key: 'a', rev: null }],
          puts: [{ key: 'a', value: bytes(`${i}`) }],
          appends: Array.from({ length: (i % 3) + 1 }, (_, n) => bytes(`${i}.${n}`)),
          due: i % 2 ? { in: i * 1e6 } : { ifNullIn: 1e9 },
        }),
      ),
    ),
  );
  expect(results).toEqual(
    results.map((_, i) => (i === 7 ? { ok: false, failed: ['a'] } : { ok: true, seq: (i % 3) + 1 })),
  );
  const counted = await sql(url, `SELECT count(DISTINCT t)::int AS n FROM "${namespace}".counted`);
  expect(counted[0]?.['n']).toBeLessThan(10);

  const gets = await Promise.all(results.map((_, i) => store.get(`p${i}`, ['a', appendKey((i % 3) + 1), 'none'])));
  for (const [i, { seq, dueIn, entries }] of gets.entries()) {
    const texts = entries.map((entry) => entry?.value && new TextDecoder().decode(entry.value));
    if (i === 7) expect([seq, dueIn, texts]).toEqual([0, null, ['there', undefined, undefined]]);
    else {
      expect([seq, texts]).toEqual([(i % 3) + 1, [`${i}`, `${i}.${i % 3}`, undefined]]);
      expect(Math.abs((dueIn as number) - (i % 2 ? i * 1e6 : 1e9))).toBeLessThan(60_000);
    }
  }
});

test('a drop that would leave an entry is invalid, alone and among others, and harms none of them', async () => {
  const store = open({ url, namespace: fresh('n'), connections: 3 });
  const partitions = Array.from({ length: 10 }, (_, i) => `p${i}`);
  await Promise.all(
    partitions.map((partition) =>
      store.commit(
        partition,
        change({
          puts: [
            { key: 'a', value: bytes('1') },
            { key: 'b', value: bytes('2') },
          ],
          due: { in: 0 },
        }),
      ),
    ),
  );
  const outcomes = await Promise.allSettled(
    partitions.map((partition, i) =>
      store.commit(partition, change({ deletes: i === 4 ? ['a'] : ['a', 'b'], drop: true })),
    ),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(partitions.map((_, i) => (i === 4 ? 'rejected' : 'fulfilled')));
  expect((await store.scan({ prefix: '' })).partitions).toEqual(['p4']);
  expect((await store.get('p4', ['a', 'b'])).entries.every((entry) => entry !== undefined)).toBe(true);
  const error = await failureOf(store.commit('p4', change({ deletes: ['a'], drop: true })));
  expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining('would leave b') });
});

test('large values among small ones come whole, whichever statement brings them', async () => {
  const store = open({ url, namespace: fresh('n'), connections: 3 });
  const large = new Uint8Array(700_000).map((_, i) => i * 31);
  const partitions = Array.from({ length: 12 }, (_, i) => `p${i}`);
  await Promise.all(
    partitions.map((partition, i) =>
      store.commit(partition, change({ puts: [{ key: 'a', value: i % 2 ? large : bytes(`${i}`) }] })),
    ),
  );
  const gets = await Promise.all(partitions.map((partition) => store.get(partition, ['a'])));
  for (const [i, { entries }] of gets.entries())
    expect(Buffer.compare(entries[0]?.value as Uint8Array, i % 2 ? large : bytes(`${i}`))).toBe(0);
});

test('a partition of many entries is searched, never walked through', async () => {
  const namespace = fresh('n');
  const store = open({ url, namespace });
  const rows = async (): Promise<number> => {
    const [row] = await sql(
      url,
      `SELECT (sum(seq_tup_read) + sum(coalesce(idx_tup_fetch, 0)))::int AS n
       FROM pg_stat_user_tables WHERE schemaname = $1`,
      [namespace],
    );
    return row?.['n'] as number;
  };
  // Statements are planned while there is next to nothing, and must do as well once there is much.
  for (let n = 0; n < 12; n++) {
    await store.commit('p', change({ puts: [{ key: 'root', value: bytes('1') }], appends: [bytes('x')] }));
    await store.get('p', ['root']);
  }
  for (let n = 0; n < 5; n++)
    await store.commit('p', change({ appends: Array.from({ length: 5000 }, () => bytes('x')) }));
  // A session tells what it did once it is idle, at most once a second.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await store.get('p', []);
  const before = await rows();
  for (let n = 0; n < 20; n++) {
    const [root] = (await store.get('p', ['root', 'dir', appendKey(20_000 + n)])).entries;
    await store.commit(
      'p',
      change({
        checks: [{ key: 'root', rev: root?.rev ?? null }],
        puts: [{ key: 'root', value: bytes(`${n}`) }],
        deletes: [appendKey(20_000 + n), appendKey(21_000 + n)],
        appends: [bytes('y')],
        due: { ifNullIn: 1000 },
      }),
    );
    await store.get(
      'p',
      Array.from({ length: 10 }, (_, i) => appendKey(15_000 + i)),
    );
    await store.list('p', { prefix: 'q/', after: appendKey(12_000), limit: 5 });
    await store.scan({ due: true });
  }
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await store.get('p', []);
  expect((await rows()) - before).toBeLessThan(20 * 100);
}, 60_000);
