import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Motion, MotionError, StoreError } from '@motion-ts/core';
import type { Commit, Store } from '@motion-ts/core/store';
import { SqliteStore } from '@motion-ts/sqlite';
import { describe, expect, test } from 'vitest';
import { errorOf, motionOn, places, silent, sleep, temporaryDirectory, until } from '../support/places.js';
import { Journal } from './fixtures.js';

const junk = new TextEncoder().encode('{"written":"by something else"}');
const PARTITION = 'Journal/a';
const Q1 = 'q/0000000000000001';

async function damage(store: Store, key: string, value: Uint8Array | null): Promise<void> {
  const id = `damage${Math.random().toString(36).slice(2)}`;
  const commit = value ? { id, puts: [{ key, value }] } : { id, deletes: [key] };
  expect(await store.commit(PARTITION, commit)).toMatchObject({ ok: true });
}

/** All that the store has of the instance. */
async function content(store: Store): Promise<string> {
  const entries = await store.list(PARTITION, { prefix: '', limit: 1_000 });
  return JSON.stringify(entries.map(({ key, value }) => [key, Buffer.from(value).toString('base64')]));
}

describe.each(places)('a damaged instance on $kind', ({ make }) => {
  test.each<[what: string, key: string, value: Uint8Array | null]>([
    ['a foreign init', 'init', junk],
    ['no init', 'init', null],
    ['an empty init', 'init', new Uint8Array()],
    ['a foreign root', 'root', junk],
    ['no root', 'root', null],
    ['a foreign dir', 'dir', junk],
    ['no dir', 'dir', null],
    ['a foreign value', 's/log', junk],
    ['no value', 's/log', null],
    ['an empty value', 's/log', new Uint8Array()],
    ['a pointer to nothing', 's/log', Uint8Array.from([1, 0x93, 0xa1, 0x78, 1, 5])],
  ])('%s: CORRUPT, from every door, and nothing is written', async (_, key, value) => {
    const place = make();
    const store = place.open();
    const first = motionOn(place);
    await (await first.instance(Journal, 'a')).run('add', { word: 'x' }, { flushUpdates: true });
    await first.close();
    await damage(store, key, value);
    const before = await content(store);
    const made = motionOn(place);
    expect(await errorOf(made.instance(Journal, 'a'))).toMatchObject({ code: 'CORRUPT' });
    expect(await errorOf(made.instance(Journal, 'a', { existing: true }))).toMatchObject({ code: 'CORRUPT' });
    expect(await errorOf(made.inspect(Journal, 'a'))).toMatchObject({ code: 'CORRUPT' });
    expect(await content(store)).toBe(before);
    // Other instances are none the worse, and this one can be given up.
    const other = await made.instance(Journal, 'b');
    await other.run('add', { word: 'x' }, { flushUpdates: true });
    expect(await made.clear(Journal, 'a')).toBe(true);
    const anew = await made.instance(Journal, 'a');
    await anew.run('add', { word: 'new' }, { flushUpdates: true });
    expect(await anew.readState('log')).toEqual(['new']);
  });

  test.each<[what: string, key: string, value: Uint8Array | null]>([
    ['a foreign root', 'root', junk],
    ['a foreign value', 's/log', junk],
  ])('%s while it is open: CORRUPT', async (_, key, value) => {
    const place = make();
    const made = motionOn(place);
    const journal = await made.instance(Journal, 'a');
    await journal.run('add', { word: 'x' }, { flushUpdates: true });
    await sleep(200);
    const store = place.open();
    await damage(store, key, value);
    if (key === 'root') expect(await errorOf(journal.readState())).toMatchObject({ code: 'CORRUPT' });
    else expect(await errorOf(motionOn(place).instance(Journal, 'a'))).toMatchObject({ code: 'CORRUPT' });
  });

  test('a batch that is foreign: who waits is told, the state stays, nothing behind it runs', async () => {
    for (const value of [junk, null]) {
      const place = make();
      const off = await motionOn(place, { updates: 'off' }).instance(Journal, 'a');
      await off.run('add', { word: 'x' });
      await off.run('add', { word: 'y' });
      const store = place.open();
      // Appended entries cannot be put: so it is another partition's batch, or none.
      await damage(store, Q1, null);
      if (value) {
        const got = store.inner.get.bind(store.inner);
        store.inner.get = async (partition, keys, options) => {
          const snapshot = await got(partition, keys, options);
          const entries = snapshot.entries.map((entry, n) =>
            keys[n] === Q1 ? { key: Q1, rev: 'foreign', value: Uint8Array.from([0, ...value]) } : entry,
          );
          return { ...snapshot, entries };
        };
      }
      const told: unknown[] = [];
      const made = motionOn({ open: () => store }, { onError: (error) => void told.push(error) });
      const journal = await made.instance(Journal, 'a');
      expect(await errorOf(journal.flushUpdates())).toMatchObject({ code: 'CORRUPT' });
      await until(() => told.length > 0);
      expect(told[0]).toMatchObject({ code: 'CORRUPT' });
      expect(await journal.readState('log')).toEqual([]);
      expect(await journal.run('look')).toEqual([]);
    }
  });

  test('an outcome that is foreign is CORRUPT for who asks', async () => {
    const place = make();
    const journal = await motionOn(place).instance(Journal, 'a');
    await journal.run('fail', { word: 'x' });
    await errorOf(journal.flushUpdates());
    const [letter] = await journal.deadLetters();
    await damage(place.open(), `o/${letter?.id}`, junk);
    expect(await errorOf(journal.deadLetters())).toMatchObject({ code: 'CORRUPT' });
    expect(await errorOf(journal.redrive(letter?.id as string))).toMatchObject({ code: 'CORRUPT' });
    expect(await errorOf(journal.discardDeadLetter(letter?.id as string))).toMatchObject({ code: 'CORRUPT' });
    await journal.run('add', { word: 'y' }, { flushUpdates: true });
    expect(await journal.readState('log')).toEqual(['y']);
  });

  test('a dead letter whose payload goes while it is redriven: cleared, discarded, or damaged', async () => {
    const place = make();
    const store = place.open();
    const motion = motionOn({ open: () => store });
    const elsewhere = motionOn(place, { updates: 'off' });
    const ways: [code: string, way: (id: string, payload: readonly string[]) => Promise<unknown>][] = [
      ['NO_DEAD_LETTER', async (id) => (await elsewhere.instance(Journal, 'a')).discardDeadLetter(id)],
      ['CORRUPT', async (_, payload) => Promise.all(payload.map((key) => damage(store.inner, key, null)))],
      ['INSTANCE_GONE', () => elsewhere.clear(Journal, 'a')],
    ];
    for (const [code, way] of ways) {
      const journal = await motion.instance(Journal, 'a');
      await errorOf(journal.run('fail', { word: 'x'.repeat(2 * store.limits.valueBytes) }, { flushUpdates: true }));
      const id = (await journal.deadLetters()).at(-1)?.id as string;
      store.before = async (method, _, keys) => {
        if (method !== 'get' || !(keys as string[]).some((key) => key.startsWith('b/'))) return;
        store.before = () => undefined;
        await way(id, keys as string[]);
      };
      expect(await errorOf(journal.redrive(id))).toMatchObject({ code });
    }
  });

  test('foreign entries beside ours, and foreign partitions, do not disturb', async () => {
    const place = make();
    const store = place.open();
    const journal = await motionOn(place).instance(Journal, 'a');
    for (const key of ['x', 's/other', 'zz', 'i/x', 'w/x', 'b/x']) await damage(store, key, junk);
    for (const partition of ['Journal', '/', 'Journal/', '%', 'Other/x', '{x}'])
      await store.commit(partition, { id: `p${partition.length}${Math.random()}`, appends: [junk], due: { in: 0 } });
    await sleep(50);
    await journal.run('add', { word: 'x' }, { flushUpdates: true });
    expect(await journal.readState()).toEqual({ log: ['x'], count: 1 });
    const ids: string[] = [];
    for await (const id of motionOn(place).instances(Journal)) ids.push(id);
    expect(ids).toContain('a');
  });
});

describe('a file that cannot be used', () => {
  const codes = (error: unknown): string => (error as { code: string }).code;

  test('in a directory that is not there; a directory; no database', async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'dir'));
    writeFileSync(join(directory, 'text.db'), 'this is no database, but a text of some length. '.repeat(50));
    for (const [name, code] of [
      ['missing/motion.db', 'invalid'],
      ['dir', 'invalid'],
      ['text.db', 'corrupt'],
    ] as const) {
      const made = new Motion({ store: new SqliteStore({ path: join(directory, name) }), ...silent });
      const error = await errorOf(made.instance(Journal, 'a'));
      expect(StoreError.is(error), String(error)).toBe(true);
      expect(codes(error)).toBe(code);
      await made.close();
    }
  });

  test('a store that was closed under the Motion: typed errors, and close ends', async () => {
    const place = (places[1] as (typeof places)[0]).make();
    const store = place.open();
    const made = new Motion({ store, ...silent });
    const journal = await made.instance(Journal, 'a');
    await store.close();
    for (const call of [journal.run('add', { word: 'x' }), journal.readState(), journal.flushUpdates()])
      expect(codes(await errorOf(call))).toBe('closed');
    await made.close();
  });

  test('a store that is down for a moment: calls wait; for long: a typed error', async () => {
    const place = (places[0] as (typeof places)[0]).make();
    const store = place.open();
    const made = motionOn({ open: () => store }, { storeTimeoutMs: 300 });
    const journal = await made.instance(Journal, 'a');
    let down = true;
    store.before = (method) => {
      if (down && method === 'commit') throw new StoreError('unavailable');
    };
    const run = journal.run('add', { word: 'x' });
    await sleep(50);
    down = false;
    await run;
    await journal.flushUpdates();
    down = true;
    const error = await errorOf(journal.run('add', { word: 'y' }));
    expect(StoreError.is(error, 'unavailable')).toBe(true);
    expect(MotionError.is(error)).toBe(false);
    down = false;
    await journal.run('add', { word: 'z' }, { flushUpdates: true });
    expect(await journal.readState('log')).toEqual(['x', 'z']);
  });

  test('whether a call was queued is unknown if it may have been, in a life that ended, and nobody can look', async () => {
    const place = (places[0] as (typeof places)[0]).make();
    const store = place.open();
    const journal = await motionOn({ open: () => store }, { storeTimeoutMs: 300, updates: 'off' }).instance(
      Journal,
      'a',
    );
    let appended = false;
    store.afterCommit = async (commit) => {
      if (!commit.appends || appended) return;
      appended = true;
      await motionOn(place, { updates: 'off' }).clear(Journal, 'a');
      // The commit is sent again and refused: its writer's slot is gone with the instance. Then the store is, too.
      store.before = (method, _, keys) => {
        if (method === 'get' && (keys as string[]).includes('init')) throw new StoreError('unavailable');
      };
      throw new StoreError('unknown', 'the answer is lost');
    };
    const error = await errorOf(journal.run('add', { word: 'x' }));
    expect(appended).toBe(true);
    expect(StoreError.is(error, 'unknown'), String(error)).toBe(true);
    expect(String(error)).toContain('whether a call of Journal/a was queued is unknown');
  });

  test('a call that was committed at once, unheard, before the store was full is not told that it was refused', async () => {
    const place = (places[0] as (typeof places)[0]).make();
    const store = place.open();
    const journal = await motionOn({ open: () => store }, { storeTimeoutMs: 300 }).instance(Journal, 'a');
    await journal.run('add', { word: 'first' }, { flushUpdates: true });
    let direct = false;
    store.afterCommit = (commit) => {
      if (direct || commit.appends) return;
      direct = true;
      store.before = (method) => {
        if (method === 'commit') throw new StoreError('full');
      };
      throw new StoreError('unknown', 'the answer is lost');
    };
    await journal.run('add', { word: 'x' }, { flushUpdates: true });
    expect(direct).toBe(true);
    // But what was never committed is.
    expect(StoreError.is(await errorOf(journal.run('add', { word: 'y' })), 'full')).toBe(true);
    store.before = () => undefined;
    expect(await journal.readState('log')).toEqual(['first', 'x']);
  });

  test.each(['unavailable', 'full'] as const)(
    'a commit that may come late keeps a call open, though the store is %s',
    async (code) => {
      const place = (places[0] as (typeof places)[0]).make();
      const store = place.open();
      const journal = await motionOn({ open: () => store }, { storeTimeoutMs: 300 }).instance(Journal, 'a');
      await journal.run('add', { word: 'first' }, { flushUpdates: true });
      let held: Commit | undefined;
      store.before = (method, _, commit) => {
        if (method !== 'commit') return;
        if (held) throw new StoreError(code);
        held = commit as Commit;
        throw new StoreError('unknown', 'it is still on its way');
      };
      const error = await errorOf(journal.run('add', { word: 'x' }, { flushUpdates: true }));
      expect(await store.inner.commit(PARTITION, held as Commit)).toMatchObject({ ok: true });
      expect(StoreError.is(error, 'unknown'), String(error)).toBe(true);
      store.before = () => undefined;
      expect(await journal.readState('log')).toEqual(['first', 'x']);
    },
  );

  test('a call that the idle holder commits at once waits no longer than others, and all goes on after', async () => {
    const place = (places[0] as (typeof places)[0]).make();
    const store = place.open();
    const journal = await motionOn({ open: () => store }, { storeTimeoutMs: 300 }).instance(Journal, 'a');
    for (const [n, code] of (['unavailable', 'full', 'unknown'] as const).entries()) {
      await journal.run('add', { word: `${n}` }, { flushUpdates: true });
      store.before = (method) => {
        if (method === 'commit') throw new StoreError(code);
      };
      const from = performance.now();
      const lost = [journal.writeState({ draft: 'lost' }), journal.run('add', { word: 'lost' })].map(errorOf);
      for (const error of await Promise.all(lost)) expect(StoreError.is(error, code), String(error)).toBe(true);
      expect(performance.now() - from).toBeLessThan(5_000);
      store.before = () => undefined;
    }
    await journal.run('add', { word: 'last' }, { flushUpdates: true });
    expect(await journal.readState()).toEqual({ log: ['0', '1', '2', 'last'], count: 4 });
  }, 30_000);
});
