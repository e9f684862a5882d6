import { msgpackCodec } from '@motion-ts/core';
import type { Key } from '@motion-ts/core/store';
import { MemoryStore } from '@motion-ts/memory';
import { expect, test } from 'vitest';
import { Chunks } from '../../src/state/chunks.js';
import { DIR, INIT, ROOT, stateKey } from '../../src/state/keys.js';
import { encodeDir, encodeInit, encodeRoot, firstRoot, type Root } from '../../src/state/records.js';
import { View } from '../../src/state/view.js';
import { FakeEnv } from '../support/fake-env.js';
import { RecordingStore } from '../support/recording-store.js';

const codec = msgpackCodec();

/** An instance, written as the holder would. */
class Written {
  readonly env = new FakeEnv();
  readonly store: RecordingStore;
  readonly chunks: Chunks;
  root: Root = firstRoot('', 0);
  private commits = 0;

  constructor(getKeys = 100) {
    this.store = new RecordingStore(new MemoryStore(), { getKeys });
    this.chunks = new Chunks(this.store, this.env, 'p', 1_000);
  }

  async create(state: Record<string, unknown>, codecName = codec.name): Promise<void> {
    const init = { component: 'C', id: 'x', codec: codecName, createdAt: 0 };
    // An instance's life is called by the commit that began it.
    this.root = firstRoot(`w${this.commits + 1}`, 0);
    await this.put({ [INIT]: encodeInit(init) }, state, Object.keys(state));
  }

  async change(state: Record<string, unknown>, names?: string[]): Promise<void> {
    this.root = { ...this.root, beat: this.root.beat + 1, version: this.root.version + 1 };
    await this.put({}, state, names);
  }

  async put(entries: Record<string, Uint8Array>, state: Record<string, unknown>, names?: string[]): Promise<void> {
    const all = { ...entries, [ROOT]: encodeRoot(this.root), ...(names && { [DIR]: encodeDir(names) }) };
    for (const [name, value] of Object.entries(state)) {
      const stored = await this.chunks.write(codec.encode(value, ''), []);
      all[stateKey(name)] = stored?.value as Uint8Array;
    }
    const puts = Object.entries(all).map(([key, value]) => ({ key, value }));
    await this.store.inner.commit('p', { id: `w${++this.commits}`, puts });
  }

  async raw(puts: Record<string, Uint8Array | null>): Promise<void> {
    await this.store.inner.commit('p', {
      id: `raw${++this.commits}`,
      puts: Object.entries(puts).flatMap(([key, value]) => (value ? [{ key, value }] : [])),
      deletes: Object.keys(puts).filter((key) => puts[key] === null),
    });
  }

  /** Does something before each get of one of the state's keys. */
  beforeGetOf(name: string, work: () => Promise<void>): void {
    this.store.before = async (method, _, keys) => {
      if (method === 'get' && (keys as Key[]).includes(stateKey(name))) await work();
    };
  }

  view(): View {
    return new View(this.store, this.env, 'p', 'C/x', codec, this.chunks);
  }
}

const keysRead = ({ store }: Written): string[] => store.gets.flatMap(({ keys }) => keys);

test('loads a state, frozen, and again only when it changed', async () => {
  const written = new Written();
  await written.create({ a: 1, list: [{ b: 2 }] });
  const view = written.view();
  const { committed } = await view.refresh();
  expect(committed.state).toEqual({ a: 1, list: [{ b: 2 }] });
  expect(() => (committed.state['list'] as unknown[]).push(1)).toThrow(TypeError);
  written.store.forget();
  expect((await view.refresh()).committed).toBe(committed);
  expect(keysRead(written)).toEqual([ROOT]);
});

test('after a change only what changed travels', async () => {
  const written = new Written();
  const state = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`k${n}`, 'x'.repeat(1_000)]));
  await written.create(state);
  const view = written.view();
  const before = (await view.refresh()).committed;
  await written.change({ k7: 'new' });
  let travelled = 0;
  written.store.afterGet = (got) => {
    for (const entry of got.entries) travelled += entry?.value?.byteLength ?? 0;
    return got;
  };
  const { committed } = await view.refresh();
  expect(committed.state).toEqual({ ...state, k7: 'new' });
  expect(travelled).toBeLessThan(500);
  expect(committed.entries.get('k8')).toBe(before.entries.get('k8'));
});

test('keys come and go', async () => {
  const written = new Written();
  await written.create({ a: 1, b: 2 });
  const view = written.view();
  await view.refresh();
  await written.change({ c: 3 }, ['a', 'c']);
  await written.raw({ [stateKey('b')]: null });
  expect((await view.refresh()).committed.state).toEqual({ a: 1, c: 3 });
});

test('a state of more keys than one get takes is read of one piece, though it changes meanwhile', async () => {
  const written = new Written(5);
  const names = Array.from({ length: 17 }, (_, n) => `k${n}`);
  const all = (value: number): Record<string, number> => Object.fromEntries(names.map((name) => [name, value]));
  await written.create(all(0));
  let changes = 0;
  written.beforeGetOf('k4', async () => {
    // Between two gets of one reading.
    if (changes < 2) await written.change(all(++changes));
  });
  const { committed } = await written.view().refresh();
  expect(new Set(Object.values(committed.state)).size).toBe(1);
  expect(committed.state).toEqual(all(2));
});

test('a wide state is asked for in gets that go out together, but not all of them', async () => {
  const written = new Written(3);
  await written.create(Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`k${n}`, n])));
  let most = 0;
  let underWay = 0;
  written.store.before = async () => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay--;
  };
  const { committed } = await written.view().refresh();
  expect(Object.keys(committed.state)).toHaveLength(40);
  expect(most).toBe(8);
});

test('what was made anew with another codec while it was first read is refused, and not misread', async () => {
  const written = new Written();
  await written.create({ a: 1 });
  let once = true;
  written.beforeGetOf('a', async () => {
    if (!once) return;
    once = false;
    await written.create({ a: 1, b: 2 }, 'json');
  });
  await expect(written.view().refresh()).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
});

test.each([3, 100])(
  'names that change while they are read are taken from that very answer; %d keys a get',
  async (getKeys) => {
    const written = new Written(getKeys);
    await written.create({ a: 0 });
    const names = ['a'];
    written.beforeGetOf('a', async () => {
      if (names.length === 6) return;
      names.push(`b${names.length}`);
      await written.change({ a: names.length, [names.at(-1) as string]: 1 }, names);
    });
    const { committed } = await written.view().refresh();
    expect(Object.keys(committed.state)).toEqual(names);
    expect(committed.state['a']).toBe(6);
    expect(written.store.gets.filter(({ keys }) => keys.includes(INIT))).toHaveLength(1);
  },
);

test('a state that never holds still is an outage, not a wrong answer', async () => {
  const written = new Written(3);
  await written.create({ a: 0, b: 0, c: 0 });
  let n = 0;
  written.beforeGetOf('b', () => written.change({ a: ++n, b: n, c: n }));
  const reading = written.view().refresh();
  const failed = expect(reading).rejects.toMatchObject({ code: 'unavailable' });
  await written.env.advance(60_000);
  await failed;
});

test('a big value that is replaced between its pointer and its chunks is read anew', async () => {
  const written = new Written();
  // One entry may hold a hundredth of what a get brings.
  await written.create({ big: 'x'.repeat(3_000_000) });
  let once = true;
  written.store.afterGet = async (got, keys) => {
    if (once && keys[0]?.startsWith('b/')) {
      once = false;
      await written.change({ big: 'y'.repeat(3_000_000) });
      const old = keys[0].split('/')[1];
      const chunks = await written.store.inner.list('p', { prefix: `b/${old}/`, limit: 100 });
      await written.raw(Object.fromEntries(chunks.map(({ key }) => [key, null])));
      return written.store.inner.get('p', keys);
    }
    return got;
  };
  expect(((await written.view().refresh()).committed.state['big'] as string)[0]).toBe('y');
});

test('two big values of one commit may be replaced one after the other while they are read', async () => {
  const written = new Written();
  await written.create({ log: 'x'.repeat(3_000_000), big: 'x'.repeat(3_000_000) });
  const groupOf = async (name: string): Promise<string> => {
    const value = (await written.store.inner.get('p', [stateKey(name)])).entries[0]?.value as Uint8Array;
    return written.chunks.groupOf(value)?.id as string;
  };
  const left = new Map([
    [await groupOf('log'), 'log'],
    [await groupOf('big'), 'big'],
  ]);
  written.store.afterGet = async (got, keys) => {
    const group = keys[0]?.startsWith('b/') ? (keys[0].split('/')[1] as string) : '';
    const name = left.get(group);
    if (name === undefined) return got;
    left.delete(group);
    await written.change({ [name]: 'y'.repeat(3_000_000) });
    const chunks = await written.store.inner.list('p', { prefix: `b/${group}/`, limit: 100 });
    await written.raw(Object.fromEntries(chunks.map(({ key }) => [key, null])));
    return written.store.inner.get('p', keys);
  };
  const { state } = (await written.view().refresh()).committed;
  expect(Object.values(state).map((text) => (text as string)[0])).toEqual(['y', 'y']);
});

test('of two refreshes at once, the older answer does not win', async () => {
  const written = new Written();
  await written.create({ a: 0 });
  const view = written.view();
  await view.refresh();
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  await written.change({ a: 1 });
  let first = true;
  written.store.afterGet = async (got, keys) => {
    if (keys.length > 1 && first) {
      first = false;
      await gate;
    }
    return got;
  };
  const slow = view.refresh();
  await new Promise((resolve) => setImmediate(resolve));
  await written.change({ a: 2 });
  expect((await view.refresh()).committed.state).toEqual({ a: 2 });
  release();
  await slow;
  expect(view.current?.state).toEqual({ a: 2 });
});

test('an instance that was never there, or was cleared, is GONE', async () => {
  const written = new Written();
  await expect(written.view().refresh()).rejects.toMatchObject({ code: 'INSTANCE_GONE' });
  await written.create({ a: 1 });
  const view = written.view();
  await view.refresh();
  await written.raw({ [INIT]: null, [ROOT]: null });
  await expect(view.refresh()).rejects.toMatchObject({ code: 'INSTANCE_GONE' });
  written.root = firstRoot('another life', 0);
  await written.create({ a: 2 });
  await expect(view.refresh()).rejects.toMatchObject({ code: 'INSTANCE_GONE' });
});

test('another codec is refused', async () => {
  const written = new Written();
  await written.create({ a: 1 }, 'json');
  await expect(written.view().refresh()).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
    message: expect.stringContaining("'json'") as string,
  });
});

const junk = new TextEncoder().encode('{"written":"by something else"}');
test.each<[what: string, damage: Record<string, Uint8Array | null>]>([
  ['a foreign init', { [INIT]: junk }],
  ['a foreign root', { [ROOT]: junk }],
  ['a foreign dir', { [DIR]: junk }],
  ['a foreign value', { [stateKey('a')]: junk }],
  ['an empty value', { [stateKey('a')]: new Uint8Array() }],
  ['a value that does not decode', { [stateKey('a')]: new Uint8Array([0, 0x93, 1]) }],
  ['half a value', { [stateKey('a')]: new Uint8Array([0, 0xa5, 0x61]) }],
  ['a pointer to nothing', { [stateKey('a')]: new Uint8Array([1, 0x93, 0xa1, 0x78, 1, 5]) }],
  ['a broken pointer', { [stateKey('a')]: new Uint8Array([1, 0xc1]) }],
  ['a missing init', { [INIT]: null }],
  ['a missing root', { [ROOT]: null }],
  ['a missing dir', { [DIR]: null }],
  ['a missing value', { [stateKey('a')]: null }],
])('%s is CORRUPT', async (_, damage) => {
  const written = new Written();
  await written.create({ a: 'text', b: 2 });
  await written.raw(damage);
  const reading = written.view().refresh();
  const failed = reading.catch((error: unknown) => error);
  await written.env.advance(60_000);
  expect(await failed).toMatchObject({ code: 'CORRUPT' });
  expect(written.store.count('commit')).toBe(0);
});
