import assert from 'node:assert/strict';
import { appendKey, Lease, type Store, StoreError, type StoreErrorCode } from '@motion-ts/core/store';
import type { Faults, Group } from './options.js';
import { GRACE_MS, OUTAGES, type Settled, settling } from './outage.js';
import { applied, bytes, change, eventually, pause, putTexts, settles, texts } from './suite.js';

/** The server taken away under the store, and brought back. */
export const outages: Group = (add, terms) => {
  const { inTime, settled, worksAgain } = settling(terms);

  for (const { server, needs, during } of OUTAGES) {
    add(
      `C10 with the server ${server} every method settles in time with the right code, and none resolves falsely`,
      async (fixture) => {
        const { store, partition } = fixture;
        const rev = await putTexts(store, partition, { a: '1' });
        await store.cacheSet(partition, 'a', bytes('1'), 60_000);
        await during(fixture, async () => {
          // Twice: the first calls find the connection broken, the later ones none.
          for (let wave = 0; wave < 2; wave++) {
            const put = { puts: [{ key: `w${wave}`, value: bytes('2') }] };
            const calls: [
              name: string,
              call: Promise<unknown>,
              codes: StoreErrorCode[],
              orResolves?: 'at all' | 'empty',
            ][] = [
              ['get', store.get(partition, ['a']), READS],
              ['get of nothing', store.get(partition, []), READS],
              ['get with known', store.get(partition, ['a'], { known: [rev] }), READS],
              ['list', store.list(partition, { prefix: '', limit: 10 }), READS],
              ['scan of due', store.scan({ due: true }), READS],
              ['scan of a prefix', store.scan({ prefix: partition }), READS],
              ['commit', store.commit(partition, change(put)), WRITES],
              ['commit with a check', store.commit(partition, change({ ...put, checks: [{ key: 'a', rev }] })), WRITES],
              ['commit that appends', store.commit(partition, change({ appends: [bytes('x')] })), WRITES],
              // What is cached may vanish at any time.
              ['cacheGet', store.cacheGet(partition, 'a'), READS, 'empty'],
              ['cacheSet', store.cacheSet(partition, 'b', bytes('2'), 60_000), WRITES, 'at all'],
              ['cacheClear', store.cacheClear(`${partition}x`), WRITES],
            ];
            const outcomes = await Promise.allSettled(
              calls.map(async ([name, call, codes, orResolves]) =>
                right(name, await settled(name, call), codes, orResolves),
              ),
            );
            for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
          }
        });
      },
      ...needs,
    );

    add(
      `C10 after the server was ${server} the same store works again`,
      async (fixture) => {
        const { store, other, partition } = fixture;
        const rev = await putTexts(store, partition, { a: '1' });
        applied(await store.commit(partition, change({ appends: [bytes('x')], due: { in: -1000 } })));
        await store.get(partition, ['a'], { known: [rev] });
        await during(fixture, async () => {
          await settled('a get', store.get(partition, ['a']));
          await settled('a commit', store.commit(partition, change({ puts: [{ key: 'b', value: bytes('?') }] })));
        });
        for (const client of new Set([store, other])) {
          await worksAgain(client, partition);
          assert.deepEqual(await texts(client, partition, 'a', appendKey(1)), ['1', 'x']);
          assert.equal((await client.list(partition, { prefix: 'a', limit: 1 })).length, 1);
          await client.cacheSet(partition, 'c', bytes('1'), 1000);
          await eventually(
            'the scan shows what is due',
            async () => (await client.scan({ prefix: partition })).partitions.includes(partition),
            terms.scanLagMs + terms.patienceMs,
          );
        }
      },
      ...needs,
    );

    add(
      `C10 a store that is opened while the server is ${server} says so in time, and works later`,
      async (fixture) => {
        const { open, partition } = fixture;
        let opened: Store | undefined;
        await during(fixture, async () => {
          const opening = await settled('open', open());
          if ('error' in opening) right('open', opening, READS);
          else {
            opened = opening.value as Store;
            right('the first get', await settled('the first get', opened.get(partition, ['a'])), READS);
            right('the first commit', await settled('the first commit', opened.commit(partition, change({}))), WRITES);
          }
        });
        await worksAgain(opened ?? (await open()), partition);
      },
      ...needs,
    );

    add(
      `C12 a store is closed in time while the server is ${server}, and the calls under way settle`,
      async (fixture) => {
        const { open, partition } = fixture;
        const store = await open();
        await putTexts(store, partition, { a: '1' });
        await during(fixture, async () => {
          const calls = [store.get(partition, ['a']), store.commit(partition, change({ appends: [bytes('x')] }))];
          const outcomes = calls.map((call) => settled<unknown>('a call under way', call));
          await inTime('close', store.close());
          for (const [i, outcome] of (await Promise.all(outcomes)).entries())
            right('a call under way', outcome, i === 0 ? [...READS, 'closed'] : [...WRITES, 'closed']);
        });
      },
      ...needs,
    );

    add(
      `C9 a lease outlives an outage (${server}) that is shorter than it, and its fence still holds`,
      async (fixture) => {
        const { store, partition } = fixture;
        const ttlMs = 20 * (terms.timeoutMs + GRACE_MS);
        const held = await Lease.acquire(store, partition, 'lease', { ttlMs });
        let committing: Promise<unknown> = Promise.resolve();
        await during(fixture, async () => {
          committing = held.commit({ puts: [{ key: 'a', value: bytes('1') }], appends: [bytes('once')] });
          committing.catch(() => {});
          await pause(50);
        });
        await settles('the fenced commit', committing, ttlMs);
        assert.ok(!held.signal.aborted, 'the lease was lost');
        assert.deepEqual(await texts(store, partition, 'a', appendKey(1), appendKey(2)), ['1', 'once', undefined]);
        await held.renew();
        await held.release();
      },
      ...needs,
    );
  }

  add(
    'watch tells of changes again after the server was unreachable',
    async (fixture) => {
      const { store, other, partition, options, namespace } = fixture;
      const faults = options.faults as Faults;
      let told = 0;
      const stop = store.watch?.((changed) => {
        if (changed === undefined || changed === partition) told++;
      });
      const isTold = (): Promise<void> =>
        eventually(
          'a change is told of',
          async () => {
            const before = told;
            await putTexts(other, partition, { a: '1' });
            await pause(20);
            return told > before;
          },
          terms.patienceMs + terms.timeoutMs,
        );
      await isTold();
      await faults.cut(namespace);
      await settled('a get', store.get(partition, []));
      await faults.restore(namespace);
      await worksAgain(other, partition);
      await isTold();
      stop?.();
    },
    'faults',
    'watch',
  );
};

const READS: StoreErrorCode[] = ['unavailable'];
const WRITES: StoreErrorCode[] = ['unavailable', 'unknown'];

function right(name: string, outcome: Settled, codes: StoreErrorCode[], orResolves?: 'at all' | 'empty'): void {
  if ('value' in outcome) {
    if (orResolves === 'at all' || (orResolves === 'empty' && outcome.value === undefined)) return;
    assert.fail(`${name} resolved to ${JSON.stringify(outcome.value)} without the server`);
  }
  const { error } = outcome;
  assert.ok(StoreError.is(error), `${name} rejected with no StoreError: ${error}`);
  assert.ok(codes.includes(error.code), `${name} rejected with ${error.code}: ${error.message}`);
}
