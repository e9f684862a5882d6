import { MotionError } from '@motion-ts/core';
import { Lease, type LeaseOptions, StoreError } from '@motion-ts/core/store';
import { MemoryStore } from '@motion-ts/memory';
import { expect, test } from 'vitest';
import { FakeEnv, settle } from '../support/fake-env.js';
import { RecordingStore } from '../support/recording-store.js';

const TTL = 1_000;
const value = new Uint8Array([1]);
const lost = (): Error => expect.objectContaining({ code: 'LEASE_LOST' }) as Error;

class Party {
  readonly env: FakeEnv;
  readonly store: RecordingStore;
  constructor(name: string, store: MemoryStore) {
    this.env = new FakeEnv(name);
    this.store = new RecordingStore(store);
  }
  acquire(options: LeaseOptions = {}): Promise<Lease> {
    return Lease.acquire(this.store, 'jobs', 'nightly', { ttlMs: TTL, env: this.env, ...options });
  }
}

function parties(): [Party, Party] {
  const store = new MemoryStore();
  return [new Party('a', store), new Party('b', store)];
}

/** Time passes for both alike. */
async function together(all: readonly Party[], ms: number): Promise<void> {
  for (let n = 0; n < ms; n += 50) for (const { env } of all) await env.advance(50);
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  await settle();
  return (await Promise.race([promise, 'pending'])) === 'pending';
}

test('one holder at a time; released, it goes to who waits, with a higher epoch', async () => {
  const [a, b] = parties();
  const first = await a.acquire({ holder: 'me' });
  expect(first).toMatchObject({ holder: 'me', epoch: 1 });
  const waiting = b.acquire();
  await together([a, b], 10 * TTL);
  expect(await isPending(waiting)).toBe(true);
  await first.release();
  await together([b], 200);
  const second = await waiting;
  expect(second.epoch).toBe(2);
  expect(first.signal.aborted).toBe(true);
  await expect(first.commit({ puts: [{ key: 'x', value }] })).rejects.toEqual(lost());
  await second.release();
});

test('a holder that stalls is replaced after the ttl, and its late commit is refused', async () => {
  const [a, b] = parties();
  const stalled = await a.acquire();
  const waiting = b.acquire();
  await b.env.advance(TTL - 100);
  expect(await isPending(waiting)).toBe(true);
  await b.env.advance(300);
  const next = await waiting;
  expect(next.epoch).toBe(stalled.epoch + 1);
  await next.commit({ puts: [{ key: 'report', value }] });
  // It comes back, knowing nothing.
  expect(stalled.signal.aborted).toBe(false);
  await expect(stalled.commit({ puts: [{ key: 'report', value: new Uint8Array([9]) }] })).rejects.toEqual(lost());
  expect(stalled.signal.aborted).toBe(true);
  expect(MotionError.is(stalled.signal.reason, 'LEASE_LOST')).toBe(true);
  expect((await a.store.inner.get('jobs', ['report'])).entries[0]?.value).toEqual(value);
  await stalled.release();
  await next.commit({});
  await next.release();
});

test('its own renewal tells a holder that it lost', async () => {
  const [a, b] = parties();
  const stalled = await a.acquire();
  const waiting = b.acquire();
  await b.env.advance(2 * TTL);
  const next = await waiting;
  await a.env.advance(TTL / 3);
  expect(stalled.signal.aborted).toBe(true);
  expect(a.env.pending).toBe(0);
  await next.release();
  expect(b.env.pending).toBe(0);
});

test('however wrong the clocks: two that both think it lapsed, and one gets it', async () => {
  const store = new MemoryStore();
  const all = ['a', 'b', 'c'].map((name) => new Party(name, store));
  const [a, b, c] = all as [Party, Party, Party];
  await a.acquire();
  const waiting = [b.acquire(), c.acquire()];
  await Promise.all([b.env.advance(1.2 * TTL), c.env.advance(1.2 * TTL)]);
  const got = await Promise.all(waiting.map(async (lease) => !(await isPending(lease))));
  expect(got.filter(Boolean)).toHaveLength(1);
});

test('a commit of the holder may have checks of its own, and is refused without losing the lease', async () => {
  const [a] = parties();
  const lease = await a.acquire();
  expect(await lease.commit({ appends: [value] })).toEqual({ ok: true, seq: 1 });
  expect(await lease.commit({ checks: [{ key: 'x', rev: 'other' }], puts: [{ key: 'x', value }] })).toMatchObject({
    ok: false,
  });
  expect(await lease.commit({ puts: [{ key: 'x', value }] })).toEqual({ ok: true });
  expect(lease.signal.aborted).toBe(false);
  await lease.release();
});

test('commits at once all count, in order', async () => {
  const [a] = parties();
  const lease = await a.acquire();
  const results = await Promise.all(Array.from({ length: 20 }, () => lease.commit({ appends: [value] })));
  expect(results.map((result) => (result.ok ? result.seq : 0))).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  await lease.release();
});

test('a lost answer does not lose the lease', async () => {
  const [a] = parties();
  const lease = await a.acquire();
  let left = 1;
  a.store.afterCommit = () => {
    if (left-- > 0) throw new StoreError('unknown');
  };
  const result = lease.commit({ puts: [{ key: 'x', value }] });
  await a.env.advance(100);
  expect(await result).toEqual({ ok: true });
  await lease.commit({});
  await lease.release();
});

test('a store that says nothing for five ttls costs the lease', async () => {
  const [a] = parties();
  const lease = await a.acquire();
  a.store.before = (method) => {
    if (method === 'commit') throw new StoreError('unknown');
  };
  const result = lease.commit({}).catch((error: unknown) => error);
  await a.env.advance(8 * TTL);
  expect(await result).toEqual(lost());
  expect(lease.signal.aborted).toBe(true);
});

test('released twice, and after it was lost', async () => {
  const [a, b] = parties();
  const lease = await a.acquire();
  await lease.release();
  await lease.release();
  const again = await b.acquire();
  await lease.release();
  await again.commit({});
  await again.release();
});

test('waiting can be aborted, before and meanwhile', async () => {
  const [a, b] = parties();
  const held = await a.acquire();
  await expect(b.acquire({ signal: AbortSignal.abort('enough') })).rejects.toMatchObject({
    code: 'ABORTED',
    cause: 'enough',
  });
  const controller = new AbortController();
  const waiting = b.acquire({ signal: controller.signal });
  await b.env.advance(300);
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
  expect(b.env.pending).toBe(0);
  await held.release();
});

test('an outage is waited out, any other error comes at once', async () => {
  const [a] = parties();
  let left = 3;
  a.store.before = () => {
    if (left-- > 0) throw new StoreError('unavailable');
  };
  const lease = a.acquire();
  await a.env.advance(2 * TTL);
  await (await lease).release();
  a.store.before = () => {
    throw new StoreError('full');
  };
  await expect(a.acquire()).rejects.toMatchObject({ code: 'full' });
});

test('an entry that something else wrote is CORRUPT, and stays', async () => {
  const [a] = parties();
  for (const foreign of [new Uint8Array(), new Uint8Array([0xc1]), new TextEncoder().encode('{"holder":"x"}')]) {
    await a.store.inner.commit('jobs', { id: a.env.id(), puts: [{ key: 'nightly', value: foreign }] });
    await expect(a.acquire()).rejects.toMatchObject({ code: 'CORRUPT' });
    expect((await a.store.inner.get('jobs', ['nightly'])).entries[0]?.value).toEqual(foreign);
  }
});

test('an option that does not exist is refused', async () => {
  const [a] = parties();
  await expect(a.acquire({ ttl: 5 } as never)).rejects.toThrow("unknown option 'ttl' of Lease.acquire()");
});

test.each([0, -1, Number.NaN, Infinity, '5' as never])('a ttl of %s is refused', async (ttlMs) => {
  const [a] = parties();
  await expect(a.acquire({ ttlMs })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
});
