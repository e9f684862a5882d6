import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { appendKey, type Commit, type Entry, StoreError } from '@motion-ts/core/store';
import { openInProcess, type StoreInProcess } from '../processes/open-in-process.js';
import type { Fixture, Group } from './options.js';
import { applied, bytes, change, entriesOf, eventually, pause, scanAll, settles, text, whileStill } from './suite.js';

/** Until a process has started and opened its store, on a busy machine. */
const STARTED_MS = 30_000;
/** Of one writer in one life of a process: the case ends also where nothing takes time. */
const MOST_COMMITS = 200;
const APPENDERS = 4;
/** A server may still apply what a dead client had sent. */
const UNDER_WAY_MS = 100;

/** What became of the commits of one life, as far as its process told. */
interface Life {
  /** Value of the counter that was acknowledged last. */
  counter: number;
  /** Of every pair that was sent: the `seq` that it was acknowledged with. */
  readonly pairs: Map<string, number | undefined>;
}

/** Real processes, killed by SIGKILL in the middle of their commits; then another client looks. */
export const durability: Group = (add, terms) => {
  add(
    'C7 every commit that was acknowledged outlives its process',
    async (fixture) => {
      const { store, partition, note } = fixture;
      let acknowledged = 0;
      for (let kill = 0; kill < terms.kills; kill++) {
        const life = await liveAndDie(fixture, kill);
        const { seq, entries } = await store.get(partition, ['n']);
        const counter = Number(text(entries[0]?.value) ?? 0);
        assert.ok(counter >= life.counter, `the counter is ${counter}, but ${life.counter} was acknowledged`);
        assert.ok(seq >= life.counter, `seq is ${seq}, but ${life.counter} was acknowledged`);
        const queue = keyed(await entriesOf(store, `${partition}.pairs`, 'q/'));
        for (const [pair, at] of life.pairs) {
          if (at === undefined) continue;
          acknowledged++;
          const found = [at - 1, at].map((n) => text(queue.get(appendKey(n))?.value));
          assert.deepEqual(found, [`${pair}/1`, `${pair}/2`], `the pair ${pair} was acknowledged as seq ${at}`);
        }
        acknowledged += life.counter;
      }
      note(`${terms.kills} processes killed, ${acknowledged} commits acknowledged`);
    },
    'process',
  );

  add(
    'C1 no commit of a killed process is torn, and appends stay dense',
    async (fixture) => {
      const { store, partition } = fixture;
      for (let kill = 0; kill < terms.kills; kill++) {
        const { pairs } = await liveAndDie(fixture, kill);
        const { seq, dueIn, entries } = await store.get(partition, ['n', 'm']);
        const [n, m] = entries.map((entry) => text(entry?.value));
        assert.equal(n, m, 'one commit wrote both');
        assert.equal(entries[0]?.rev, entries[1]?.rev);
        assert.equal(String(seq), n, 'seq and the counter rise in one commit');
        assert.ok(dueIn !== null, 'the due is of the same commit');
        const queue = keyed(await entriesOf(store, partition, 'q/'));
        for (let i = 1; i <= seq; i++) assert.equal(text(queue.get(appendKey(i))?.value), String(i));

        const place = `${partition}.pairs`;
        const all = await whileStill(store, place, async () => ({
          snapshot: await store.get(place, []),
          appended: await entriesOf(store, place, 'q/'),
          slots: keyed(await entriesOf(store, place, 'slot/')),
        }));
        const { snapshot, appended, slots } = all;
        assert.deepEqual(
          appended.map(({ key }) => key),
          Array.from({ length: snapshot.seq }, (_, i) => appendKey(i + 1)),
        );
        for (const pair of pairs.keys()) {
          const halves = appended.filter((entry) => text(entry.value)?.startsWith(`${pair}/`)).length;
          const slot = slots.has(`slot/${pair}`);
          assert.equal(
            halves,
            slot ? 2 : 0,
            `${halves} values of the pair ${pair}, ${slot ? 'with' : 'without'} its entry`,
          );
        }
        assert.equal(snapshot.dueIn !== null, snapshot.seq > 0, 'the due is of the commits that append');
        // It may have been killed before the first pair.
        for (const name of snapshot.seq > 0 ? [partition, place] : [partition])
          await eventually(
            `scan shows ${name}, which a killed process made due`,
            async () => (await scanAll(store, { due: true })).includes(name),
            terms.scanLagMs + terms.patienceMs,
          );
      }
    },
    'process',
  );
};

/** One process that commits as fast as it can until it is killed. */
async function liveAndDie({ store, partition, namespace, options }: Fixture, kill: number): Promise<Life> {
  const { module, argument } = options.process as NonNullable<typeof options.process>;
  const opening = openInProcess({ module, argument: argument(namespace) });
  const child = await settles('opening in a process', opening, STARTED_MS);
  const life: Life = { counter: 0, pairs: new Map() };
  try {
    let told: () => void = () => {};
    const first = new Promise<void>((resolve) => {
      told = resolve;
    });
    const [n] = (await store.get(partition, ['n'])).entries;
    const counter = { value: Number(text(n?.value) ?? 0), rev: n?.rev ?? null };
    const writers = [
      raise(child, partition, counter, life, told),
      ...Array.from({ length: APPENDERS }, (_, i) => appendPairs(child, `${partition}.pairs`, `${kill}.${i}`, life)),
    ];
    await settles('the first commit in a process', Promise.race([first, ...writers]), STARTED_MS);
    // Every other one at once: what was just acknowledged is what would be lost.
    if (kill % 2 === 1) await pause(randomInt(1, 30));
    await child.kill();
    await Promise.all(writers);
  } finally {
    await child.kill();
  }
  await pause(UNDER_WAY_MS);
  return life;
}

/** A chain: each commit replaces a counter that the one before wrote. */
async function raise(
  child: StoreInProcess,
  partition: string,
  from: { readonly value: number; readonly rev: string | null },
  life: Life,
  told: () => void,
): Promise<void> {
  let { value, rev } = from;
  for (let i = 0; i < MOST_COMMITS; i++) {
    const next = bytes(String(value + 1));
    const commit = change({
      checks: [{ key: 'n', rev }],
      puts: [
        { key: 'n', value: next },
        { key: 'm', value: next },
      ],
      appends: [next],
      due: { in: -1000 },
    });
    const seq = await commitUntilDead(child, partition, commit);
    if (seq === undefined) return;
    [value, rev] = [value + 1, commit.id];
    life.counter = value;
    told();
  }
}

async function appendPairs(child: StoreInProcess, partition: string, name: string, life: Life): Promise<void> {
  for (let i = 0; i < MOST_COMMITS; i++) {
    const pair = `${name}.${i}`;
    const commit = change({
      puts: [{ key: `slot/${pair}`, value: bytes(pair) }],
      appends: [bytes(`${pair}/1`), bytes(`${pair}/2`)],
      due: { ifNullIn: -1000 },
    });
    life.pairs.set(pair, undefined);
    const seq = await commitUntilDead(child, partition, commit);
    if (seq === undefined) return;
    life.pairs.set(pair, seq);
  }
}

/** The seq that was acknowledged; undefined: the process died before it told. */
async function commitUntilDead(child: StoreInProcess, partition: string, commit: Commit): Promise<number | undefined> {
  try {
    const result = await child.commit(partition, commit);
    applied(result);
    assert.ok(result.seq !== undefined, 'a commit with appends resolved without a seq');
    return result.seq;
  } catch (error) {
    if (StoreError.is(error, 'unknown')) return undefined;
    throw error;
  }
}

function keyed(entries: readonly Entry[]): Map<string, Entry> {
  return new Map(entries.map((entry) => [entry.key, entry]));
}
