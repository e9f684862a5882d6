import { type Limits, StoreError } from '@motion-ts/core/store';
import { MemoryStore } from '@motion-ts/memory';
import { expect, test } from 'vitest';
import { Chunks } from '../../src/state/chunks.js';
import { FakeEnv } from '../support/fake-env.js';
import { RecordingStore } from '../support/recording-store.js';

const PATIENCE = 1_000;
/** Small enough that every bound is met. */
const LIMITS: Limits = { valueBytes: 1_000, commitBytes: 8_192, commitOps: 6, getKeys: 4, getBytes: 2_000 };

function setUp(limits: Partial<Limits> = {}): { store: RecordingStore; chunks: Chunks; env: FakeEnv } {
  const env = new FakeEnv();
  const store = new RecordingStore(new MemoryStore(), { ...LIMITS, ...limits });
  // What the limits say, is held to.
  store.before = (method, _, detail) => {
    if (method === 'get' && (detail as string[]).length > store.limits.getKeys) throw new StoreError('too_large');
    if (method !== 'commit') return;
    const { puts = [], checks = [], deletes = [] } = detail as { puts?: []; checks?: []; deletes?: [] };
    const keys = new Set([...[...puts, ...checks].map(({ key }) => key), ...deletes]);
    const bytes = puts.reduce((sum, { value }: { value: Uint8Array }) => sum + value.byteLength, 0);
    if (keys.size > store.limits.commitOps || bytes > store.limits.commitBytes) throw new StoreError('too_large');
    for (const { value } of puts as { value: Uint8Array }[])
      if (value.byteLength > store.limits.valueBytes) throw new StoreError('too_large');
  };
  store.afterGet = (got) => {
    const bytes = got.entries.reduce((sum, entry) => sum + (entry?.value?.byteLength ?? 0), 0);
    if (bytes > store.limits.getBytes) throw new StoreError('too_large');
    return got;
  };
  return { env, store, chunks: new Chunks(store, env, 'p', PATIENCE) };
}

function bytesOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, n) => (n * 7) % 251);
}

test.each([0, 1, 498, 499, 500, 999, 1_000, 1_001, 2_000, 9_999, 100_000])(
  '%i bytes come back, within the limits of a small store',
  async (length) => {
    const { chunks } = setUp();
    const bytes = bytesOf(length);
    const stored = await chunks.write(bytes, []);
    expect(stored?.value.byteLength).toBeLessThanOrEqual(LIMITS.getBytes / LIMITS.getKeys);
    expect(stored?.group === undefined).toBe(length <= chunks.inlineBytes);
    expect(stored && (await chunks.read(stored.value))).toEqual(bytes);
  },
);

test('20 MiB on a store like DynamoDB', async () => {
  const { chunks } = setUp({
    valueBytes: 380_000,
    commitBytes: 3_900_000,
    commitOps: 100,
    getKeys: 100,
    getBytes: 15_000_000,
  });
  const bytes = bytesOf(20 * 2 ** 20);
  const stored = await chunks.write(bytes, []);
  expect(Buffer.compare((await chunks.read(stored?.value as Uint8Array)) as Uint8Array, bytes)).toBe(0);
});

test('nothing is written when the guard does not hold', async () => {
  const { chunks, store } = setUp();
  expect(await chunks.write(bytesOf(5_000), [{ key: 'init', rev: 'gone' }])).toBeUndefined();
  expect(await store.list('p', { prefix: '', limit: 100 })).toEqual([]);
});

test('the pointer comes with a check that fails once the chunks are swept', async () => {
  const { chunks, store, env } = setUp();
  const stored = await chunks.write(bytesOf(5_000), []);
  const commit = { checks: stored?.check ? [stored.check] : [], puts: [{ key: 's/a', value: stored?.value as never }] };
  expect((await store.inner.commit('p', { id: env.id(), ...commit })).ok).toBe(true);
  if (stored?.group) await chunks.forget([stored.group]);
  expect((await store.inner.commit('p', { id: env.id(), ...commit })).ok).toBe(false);
});

test('chunks that are swept while they are written are written anew; for ever, that is an error', async () => {
  const { chunks, store } = setUp();
  let left = 2;
  store.afterCommit = async ({ puts = [] }) => {
    const manifest = puts[0]?.key ?? '';
    if (manifest.endsWith('/!') && left-- > 0)
      await store.inner.commit('p', { id: `sweep${left}`, deletes: [manifest] });
  };
  const bytes = bytesOf(9_000);
  const stored = await chunks.write(bytes, []);
  expect(await chunks.read(stored?.value as Uint8Array)).toEqual(bytes);
  left = Infinity;
  store.afterCommit = async ({ id, puts = [] }) => {
    const manifest = puts[0]?.key ?? '';
    if (manifest.endsWith('/!')) await store.inner.commit('p', { id: `sweep-${id}`, deletes: [manifest] });
  };
  await expect(chunks.write(bytes, [])).rejects.toMatchObject({ code: 'unavailable' });
});

test('lost answers do no harm', async () => {
  const { chunks, store, env } = setUp();
  let n = 0;
  store.afterCommit = () => {
    if (n++ % 2 === 0) throw new StoreError('unknown');
  };
  const bytes = bytesOf(9_000);
  const writing = chunks.write(bytes, []);
  await env.advance(PATIENCE);
  const stored = await writing;
  expect(await chunks.read(stored?.value as Uint8Array)).toEqual(bytes);
});

test('a chunk that is missing, short or long is noticed', async () => {
  for (const damage of ['missing', 'short', 'long'] as const) {
    const { chunks, store, env } = setUp();
    const stored = await chunks.write(bytesOf(4_500), []);
    const key = `b/${stored?.group?.id}/000004`;
    await store.inner.commit('p', {
      id: env.id(),
      ...(damage === 'missing'
        ? { deletes: [key] }
        : { puts: [{ key, value: bytesOf(damage === 'short' ? 10 : 900) }] }),
    });
    expect(await chunks.read(stored?.value as Uint8Array)).toBeUndefined();
  }
});

test.each([
  ['nothing', []],
  ['an unknown kind', [7, 1, 2]],
  ['a pointer that is none', [1, 0xc1]],
  ['a pointer to something else', [1, 0x93, 1, 2, 3]],
  ['a pointer to more than fits in memory', [1, 0x93, 0xa1, 0x78, 1, 0xcb, 0x43, 0x40, 0, 0, 0, 0, 0, 0]],
])('%s is read as damaged', async (_, data) => {
  const { chunks } = setUp();
  const value = Uint8Array.from(data as number[]);
  expect(await chunks.read(value)).toBeUndefined();
  expect(chunks.groupOf(value)).toBeUndefined();
});

test('forgetting leaves nothing, in steps that fit', async () => {
  const { chunks, store } = setUp();
  const groups = await Promise.all([3_000, 9_000].map(async (n) => (await chunks.write(bytesOf(n), []))?.group));
  await chunks.forget(groups.filter((group) => group !== undefined));
  expect(await store.list('p', { prefix: '', limit: 100 })).toEqual([]);
});
