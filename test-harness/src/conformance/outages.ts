import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import {
  appendKey,
  type CommitResult,
  Lease,
  type Store,
  StoreError,
  type StoreErrorCode,
} from '@motion-ts/core/store';
import type { Faults, Fixture, Group, Need } from './options.js';
import { applied, bytes, change, entriesOf, eventually, pause, putTexts, settles, text, texts, turn } from './suite.js';

/** A way to take the server away, for the titles. */
interface Outage {
  readonly server: string;
  readonly needs: readonly Need[];
  readonly begin: (faults: Faults, namespace: string) => Promise<void>;
}

const OUTAGES: readonly Outage[] = [
  { server: 'unreachable', needs: ['faults'], begin: (faults, namespace) => faults.cut(namespace) },
  {
    server: 'silent',
    needs: ['faults', 'hang'],
    begin: async (faults, namespace) => faults.hang?.(namespace),
  },
];

/** What a call came to. */
type Settled = { readonly value: unknown } | { readonly error: unknown };

/** Beyond its declared timeout, a call has so long. */
const GRACE_MS = 1000;
/** Commits under way when the server goes. */
const WRITERS = 8;
/** Of one writer in one outage: the case ends also where nothing takes time. */
const MOST_COMMITS = 60;

/** The server taken away under the store, and brought back. */
export const outages: Group = (add, terms) => {
  const inTime = <T>(what: string, call: Promise<T>): Promise<T> => settles(what, call, terms.timeoutMs + GRACE_MS);
  const settled = (what: string, call: Promise<unknown>): Promise<Settled> =>
    inTime(
      what,
      call.then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      ),
    );
  const worksAgain = (store: Store, partition: string): Promise<void> =>
    eventually(
      'the same store works again',
      async () => {
        const read = await settled('a get after the outage', store.get(partition, ['back']));
        const written = await settled(
          'a commit after the outage',
          store.commit(partition, change({ deletes: ['back'] })),
        );
        return 'value' in read && 'value' in written;
      },
      2 * (terms.timeoutMs + terms.patienceMs),
    );

  for (const { server, needs, begin } of OUTAGES) {
    /** Runs something while the server is away; brings it back whatever happens. */
    const during = async ({ options, namespace }: Fixture, run: () => Promise<void>): Promise<void> => {
      const faults = options.faults as Faults;
      try {
        await begin(faults, namespace);
        await run();
      } finally {
        await faults.restore(namespace);
      }
    };

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
      `C6 commits under way when the server becomes ${server} apply wholly or not at all, and \`unavailable\` means never`,
      async (fixture) => {
        const { store, partition, note } = fixture;
        const outcomes = new Map<string, Settled>();
        for (let round = 0; round < 3; round++) {
          let away = false;
          const write = async (writer: number): Promise<void> => {
            // Out of step, so that the server goes at every stage of a commit.
            for (let i = 0; i < writer; i++) await turn();
            for (let i = 0; i < MOST_COMMITS; i++) {
              const last = away;
              const name = `${round}.${writer}.${i}`;
              const value = bytes(name);
              const commit = change({
                checks: [{ key: `k/${name}`, rev: null }],
                puts: [
                  { key: `k/${name}`, value },
                  { key: `l/${name}`, value },
                ],
                appends: [value],
              });
              outcomes.set(name, await settled(`commit ${name}`, store.commit(partition, commit)));
              if (last) return;
              // Some stores answer within the turn; the clock needs turns of its own.
              await turn();
            }
          };
          const writing = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
          // Awaited below; what fails before that is no stray error.
          writing.catch(() => {});
          await pause(randomInt(0, 15));
          await during(fixture, async () => {
            away = true;
            await writing;
          });
          await worksAgain(store, partition);
        }
        // Late copies arrive, if there are any.
        for (const waitMs of [0, 300]) {
          await pause(waitMs);
          await allOrNothing(store, partition, outcomes);
        }
        const codes = [...outcomes.values()].map(codeOf);
        const count = (code: string): number => codes.filter((one) => one === code).length;
        note(
          `${server}: ${count('applied')} applied, ${count('unknown')} unknown, ${count('unavailable')} unavailable`,
        );
      },
      ...needs,
    );

    add(
      `C6 commits sent again under their id until they are known apply once each, though the server is ${server} in between`,
      async (fixture) => {
        const { store, partition } = fixture;
        const count = 12;
        const sure = async (): Promise<void> => {
          let rev: string | null = null;
          for (let i = 1; i <= count; i++) {
            const commit = change({
              checks: [{ key: 'n', rev }],
              puts: [{ key: 'n', value: bytes(String(i)) }],
              appends: [bytes(String(i))],
            });
            await until(
              commit.id,
              () => store.commit(partition, commit),
              () => store.get(partition, ['n']),
            );
            rev = commit.id;
            await pause(5);
          }
        };
        const until = async (
          id: string,
          send: () => Promise<CommitResult>,
          look: () => ReturnType<Store['get']>,
        ): Promise<void> => {
          for (;;) {
            const sent = await settled('a commit', send());
            if ('value' in sent && (sent.value as CommitResult).ok) return;
            const seen = await settled('a get', look());
            if ('value' in seen && (seen.value as Awaited<ReturnType<typeof look>>).entries[0]?.rev === id) return;
            await pause(20);
          }
        };
        const working = sure();
        for (let i = 0; i < 2; i++) {
          await pause(randomInt(5, 25));
          await during(fixture, () => pause(randomInt(5, 50)));
        }
        const bound = count * 2 * (terms.timeoutMs + GRACE_MS);
        await settles('all commits', working, bound);
        await worksAgain(store, partition);
        assert.deepEqual(await texts(store, partition, 'n'), [String(count)]);
        const queue = await store.list(partition, { prefix: 'q/', limit: 100 });
        assert.deepEqual(
          queue.map((entry) => text(entry.value)),
          Array.from({ length: count }, (_, i) => String(i + 1)),
        );
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
          const outcomes = calls.map((call) => settled('a call under way', call));
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

function codeOf(outcome: Settled): string {
  if ('error' in outcome) return StoreError.is(outcome.error) ? outcome.error.code : String(outcome.error);
  return (outcome.value as CommitResult).ok ? 'applied' : 'refused';
}

async function allOrNothing(store: Store, partition: string, outcomes: ReadonlyMap<string, Settled>): Promise<void> {
  const { seq } = await store.get(partition, []);
  const appended = await entriesOf(store, partition, 'q/');
  assert.deepEqual(
    appended.map(({ key }) => key),
    Array.from({ length: seq }, (_, i) => appendKey(i + 1)),
    'the appends are not dense',
  );
  const parts = [
    ...appended,
    ...(await entriesOf(store, partition, 'k/')),
    ...(await entriesOf(store, partition, 'l/')),
  ];
  const found = new Map<string, number>();
  for (const { value } of parts) found.set(text(value) as string, (found.get(text(value) as string) ?? 0) + 1);
  for (const [name, outcome] of outcomes) {
    const count = found.get(name) ?? 0;
    assert.ok(count === 0 || count === 3, `commit ${name} is applied in part: ${count} of 3`);
    const code = codeOf(outcome);
    assert.ok(['applied', 'unknown', 'unavailable'].includes(code), `commit ${name}: ${code}`);
    if (code === 'applied') assert.equal(count, 3, `commit ${name} was acknowledged and is lost`);
    if (code === 'unavailable') assert.equal(count, 0, `commit ${name} rejected with unavailable, and is applied`);
  }
}
