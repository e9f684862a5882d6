import assert from 'node:assert/strict';
import { Lease } from '@motion-ts/core/store';
import { openInProcess } from '../processes/open-in-process.js';
import { bytes, change, eventually, type Group, settles, texts } from './suite.js';

/** Core's own error, which the store half does not export. */
async function losesLease(call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error: { code?: string }) => error.code === 'LEASE_LOST');
}

/** The lock half: derived in core, and the same on every store that keeps the contract. */
export const lease: Group = (add, terms) => {
  const KEY = 'lease';

  add('C9 one holder at a time', async ({ store, other, partition }) => {
    const first = await Lease.acquire(store, partition, KEY, { ttlMs: 30_000, holder: 'first' });
    let taken = false;
    const waiting = Lease.acquire(other, partition, KEY, { ttlMs: 30_000, holder: 'second' });
    void waiting.then(() => {
      taken = true;
    });
    for (let i = 0; i < 5; i++) await first.renew();
    assert.ok(!taken, 'two hold it at once');
    await first.release();
    const second = await settles('the second', waiting, terms.patienceMs);
    assert.ok(second.epoch > first.epoch, 'the epoch did not rise');
    await second.release();
  });

  add('C9 of several who want it at once, each has it alone', async ({ store, other, partition }) => {
    let inside = 0;
    const epochs: number[] = [];
    const visit = async (client: typeof store): Promise<void> => {
      const held = await Lease.acquire(client, partition, KEY, { ttlMs: 30_000 });
      assert.equal(++inside, 1, 'two hold it at once');
      epochs.push(held.epoch);
      await held.renew();
      inside--;
      await held.release();
    };
    await settles('all', Promise.all([store, other, store, other].map(visit)), 4 * terms.patienceMs);
    assert.deepEqual(
      epochs,
      [...epochs].sort((a, b) => a - b),
    );
    assert.equal(new Set(epochs).size, epochs.length, 'an epoch was given twice');
  });

  add('C9 a holder without a sign of life is taken over, and can do nothing any more', async (fixture) => {
    const { store, other, partition } = fixture;
    // Its own renewals would keep it: an environment whose timers never ring is a paused process.
    const old = await Lease.acquire(store, partition, KEY, { ttlMs: 1000, holder: 'old', env: paused() });
    const taken = await settles(
      'the takeover',
      Lease.acquire(other, partition, KEY, { ttlMs: 200, holder: 'new' }),
      2 * terms.patienceMs,
    );
    assert.ok(taken.epoch > old.epoch, 'the epoch did not rise');
    await losesLease(old.commit({ puts: [{ key: 'guarded', value: bytes('by the old one') }] }));
    await losesLease(old.renew());
    await old.release();
    assert.ok(old.signal.aborted, 'the signal of the lost lease is not aborted');
    assert.ok(!taken.signal.aborted);
    assert.deepEqual(await texts(store, partition, 'guarded'), [undefined]);
    assert.equal((await taken.commit({ puts: [{ key: 'guarded', value: bytes('by the new one') }] })).ok, true);
    await taken.release();
  });

  add('C9 a fenced commit applies with its own checks, and keeps the lease when one fails', async (fixture) => {
    const { store, partition } = fixture;
    const held = await Lease.acquire(store, partition, KEY, { ttlMs: 30_000 });
    const put = { puts: [{ key: 'a', value: bytes('1') }], checks: [{ key: 'a', rev: null }] };
    assert.deepEqual(await held.commit({ ...put, appends: [bytes('x')] }), { ok: true, seq: 1 });
    const again = await held.commit(put);
    assert.ok(!again.ok && again.failed.includes('a'));
    assert.ok(!held.signal.aborted);
    assert.equal((await held.commit({ puts: [{ key: 'a', value: bytes('2') }] })).ok, true);
    assert.deepEqual(await texts(store, partition, 'a'), ['2']);
    await held.release();
  });

  add('C9 renews itself for as long as it is held', async ({ store, partition }) => {
    const held = await Lease.acquire(store, partition, KEY, { ttlMs: 90 });
    const revision = async (): Promise<string | undefined> => (await store.get(partition, [KEY])).entries[0]?.rev;
    for (let i = 0; i < 3; i++) {
      const before = await revision();
      await eventually('it is renewed', async () => (await revision()) !== before, terms.patienceMs);
    }
    assert.ok(!held.signal.aborted);
    await held.release();
  });

  add("C9 a released lease can be taken at once, and is no one's before", async ({ store, other, partition }) => {
    const first = await Lease.acquire(store, partition, KEY, { ttlMs: 60_000 });
    await first.release();
    await first.release();
    await losesLease(first.commit({}));
    const second = await settles('the next', Lease.acquire(other, partition, KEY, { ttlMs: 60_000 }), terms.patienceMs);
    await second.release();
  });

  add('C9 waiting ends by its signal', async ({ store, other, partition }) => {
    const held = await Lease.acquire(store, partition, KEY, { ttlMs: 60_000 });
    const stop = new AbortController();
    const waiting = Lease.acquire(other, partition, KEY, { ttlMs: 60_000, signal: stop.signal });
    stop.abort();
    await settles(
      'the wait',
      assert.rejects(waiting, (error: { code?: string }) => error.code === 'ABORTED'),
      terms.patienceMs,
    );
    await held.release();
  });

  add('C9 leases of other keys and partitions are others', async ({ store, other, partition }) => {
    const held = await Promise.all([
      Lease.acquire(store, partition, 'a', { ttlMs: 60_000 }),
      Lease.acquire(other, partition, 'b', { ttlMs: 60_000 }),
      Lease.acquire(other, `${partition}x`, 'a', { ttlMs: 60_000 }),
    ]);
    for (const [i, lease] of held.entries())
      assert.equal((await lease.commit({ puts: [{ key: `k${i}`, value: bytes('1') }] })).ok, true);
    await Promise.all(held.map((lease) => lease.release()));
  });

  add(
    'C9 the lease of a killed process is taken over, and what it sent last fences it',
    async ({ store, partition, namespace, options }) => {
      const { module, argument } = options.process as NonNullable<typeof options.process>;
      const child = await openInProcess({ module, argument: argument(namespace) });
      try {
        const old = await Lease.acquire(child, partition, KEY, { ttlMs: 400 });
        assert.equal((await old.commit({ puts: [{ key: 'a', value: bytes('old') }] })).ok, true);
        const rev = (await store.get(partition, [KEY])).entries[0]?.rev as string;
        await child.kill();
        const next = await settles(
          'the takeover',
          Lease.acquire(store, partition, KEY, { ttlMs: 400 }),
          2 * terms.patienceMs,
        );
        assert.ok(next.epoch > old.epoch, 'the epoch did not rise');
        const late = change({ checks: [{ key: KEY, rev }], puts: [{ key: 'a', value: bytes('late') }] });
        assert.equal((await store.commit(partition, late)).ok, false);
        assert.deepEqual(await texts(store, partition, 'a'), ['old']);
        await next.release();
      } finally {
        await child.kill();
      }
    },
    'process',
  );
};

function paused(): NonNullable<NonNullable<Parameters<typeof Lease.acquire>[3]>['env']> {
  return {
    now: Date.now,
    mono: () => performance.now(),
    timer: (ms, run, background) => {
      // Only what runs in the background rests: the wait between tries is the caller's own.
      if (background) return () => {};
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    turn: (run) => void setImmediate(run),
    random: Math.random,
    id: () => `paused-${process.pid}-${Math.random().toString(36).slice(2, 14)}`,
  };
}
