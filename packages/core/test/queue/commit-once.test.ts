import { type Commit, type Store, StoreError } from '@motion-ts/core/store';
import { MemoryStore } from '@motion-ts/memory';
import { expect, test } from 'vitest';
import { commitOnce } from '../../src/store/commit-once.js';
import { FakeEnv } from '../support/fake-env.js';
import { RecordingStore } from '../support/recording-store.js';

const value = new Uint8Array([1]);
const commitOf = (id: string, rev: string | null = null): Commit => ({
  id,
  checks: [{ key: 'self', rev }],
  puts: [{ key: 'self', value }],
});
const DEADLINE = 1_000;

function setUp(): { env: FakeEnv; store: RecordingStore; send: (commit: Commit) => ReturnType<typeof commitOnce> } {
  const env = new FakeEnv();
  const store = new RecordingStore(new MemoryStore());
  return { env, store, send: (commit) => commitOnce(env, store, 'p', commit, 'self', DEADLINE) };
}

/** The first so many answers are lost, applied or not. */
function loseAnswers(store: RecordingStore, count: number): void {
  let left = count;
  store.afterCommit = () => {
    if (left-- > 0) throw new StoreError('unknown');
  };
}

test('applied and refused are told as they are', async () => {
  const { send, store } = setUp();
  expect(await send(commitOf('c1'))).toEqual({ applied: true, seq: undefined });
  expect(await send(commitOf('c2'))).toMatchObject({ applied: false, failed: ['self'] });
  expect(await send({ ...commitOf('c3', 'c1'), appends: [value, value] })).toEqual({ applied: true, seq: 2 });
  expect(store.count('commit')).toBe(3);
});

test('an answer that was lost is found out, and the commit is applied once', async () => {
  const { send, store, env } = setUp();
  loseAnswers(store, 3);
  const outcome = send({ ...commitOf('c1'), appends: [value] });
  await env.advance(500);
  // It was applied, so the one sent again is refused by its own check. What the seq was is not known any more.
  expect(await outcome).toEqual({ applied: true, seq: undefined });
  expect((await store.get('p', [])).seq).toBe(1);
});

test('a request that was lost is sent again', async () => {
  const { send, store, env } = setUp();
  let left = 4;
  store.before = (method) => {
    if (method === 'commit' && left-- > 0) throw new StoreError('unavailable');
  };
  const outcome = send(commitOf('c1'));
  await env.advance(500);
  expect(await outcome).toEqual({ applied: true, seq: undefined });
  expect(store.count('commit')).toBe(5);
});

test('refused, when another was applied between the lost request and the next', async () => {
  const { send, store, env } = setUp();
  let left = 1;
  store.before = async (method) => {
    if (method !== 'commit' || left-- <= 0) return;
    await store.inner.commit('p', commitOf('other'));
    throw new StoreError('unknown');
  };
  const outcome = send(commitOf('c1'));
  await env.advance(500);
  expect(await outcome).toMatchObject({ applied: false });
});

test('an outage beyond the deadline: plainly not applied if the store said so every time, else open', async () => {
  for (const code of ['unavailable', 'unknown'] as const) {
    const { send, store, env } = setUp();
    store.before = (method) => {
      if (method === 'commit') throw new StoreError(code);
    };
    const outcome = send(commitOf('c1')).catch((error: unknown) => error);
    await env.advance(DEADLINE * 3);
    if (code === 'unknown') expect(await outcome).toMatchObject({ applied: 'open', error: { code } });
    else expect(await outcome).toMatchObject({ code });
    expect(env.time).toBeGreaterThanOrEqual(DEADLINE);
    expect(env.pending).toBe(0);
  }
});

test('once unknown, unavailable makes it no better', async () => {
  const { send, store, env } = setUp();
  let sent = 0;
  store.before = (method) => {
    if (method === 'commit') throw new StoreError(sent++ === 0 ? 'unknown' : 'unavailable');
  };
  const outcome = send(commitOf('c1'));
  await env.advance(DEADLINE * 3);
  expect(await outcome).toMatchObject({ applied: 'open' });
});

test('the look after a refusal may fail too', async () => {
  const { send, store, env } = setUp();
  loseAnswers(store, 1);
  let left = 2;
  store.before = (method) => {
    if (method === 'get' && left-- > 0) throw new StoreError('unavailable');
  };
  const outcome = send(commitOf('c1'));
  await env.advance(500);
  expect(await outcome).toEqual({ applied: true, seq: undefined });
});

test.each(['full', 'too_large', 'invalid', 'corrupt', 'closed'] as const)('%s is passed on at once', async (code) => {
  const { send, store } = setUp();
  store.before = () => {
    throw new StoreError(code);
  };
  await expect(send(commitOf('c1'))).rejects.toMatchObject({ code });
  expect(store.count('commit')).toBe(1);
});

test('an error that is none of a store is passed on', async () => {
  const { send, store } = setUp();
  store.before = () => {
    throw new RangeError('a bug');
  };
  await expect(send(commitOf('c1'))).rejects.toThrow('a bug');
});

export type { Store };
