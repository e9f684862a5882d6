import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { appendKey, type Store, StoreError } from '@motion-ts/core/store';
import type { Group } from './options.js';
import { applied, bytes, change, entriesOf, eventually, pause, settles, text, turn } from './suite.js';

const ROUNDS = 3;
/** Of one round: the case ends also where nothing takes time. */
const MOST_COMMITS = 300;

/** The server itself killed and started again. */
export const crashes: Group = (add, terms) => {
  add(
    'C7 what a crash of the server leaves is a prefix: entries, seq and due of one and the same commit',
    async ({ store, partition, namespace, options, note }) => {
      const { faults } = options;
      const ready = async (): Promise<void> =>
        eventually(
          'the store works again',
          async () =>
            store.get(partition, []).then(
              () => true,
              () => false,
            ),
          2 * (terms.timeoutMs + terms.patienceMs),
        );
      let [acknowledged, lost] = [0, 0];
      for (let round = 0; round < ROUNDS; round++) {
        const life = { sent: 0, acknowledged: 0, away: false };
        const writing = write(store, partition, life);
        writing.catch(() => {});
        await pause(randomInt(5, 40));
        life.away = true;
        await faults?.crash?.(namespace);
        await settles('the writer', writing, 2 * (terms.timeoutMs + terms.patienceMs));
        await ready();
        const { seq, dueIn, entries } = await store.get(partition, ['n', 'm']);
        const [n, m] = entries.map((entry) => Number(text(entry?.value) ?? 0)) as [number, number];
        assert.equal(n, m, 'one commit wrote both');
        assert.equal(seq, n, 'seq and the counter rise in one commit');
        const expected = n === 0 ? null : dueOf(n);
        assert.ok(
          expected === null ? dueIn === null : dueIn !== null && Math.abs(dueIn - expected) < DUE_STEP_MS / 2,
          `dueIn is ${dueIn}, but the last commit that is left set ${expected}`,
        );
        const queue = await entriesOf(store, partition, 'q/');
        assert.deepEqual(
          queue.map(({ key, value }) => [key, text(value)]),
          Array.from({ length: n }, (_, i) => [appendKey(i + 1), String(i + 1)]),
          'what is left is no prefix',
        );
        assert.ok(n <= life.sent, `${n} commits are there, ${life.sent} were sent`);
        if (terms.crashLoses === 'nothing')
          assert.ok(n >= life.acknowledged, `${life.acknowledged} commits were acknowledged, ${n} are left`);
        acknowledged += life.acknowledged;
        lost += Math.max(0, life.acknowledged - n);
      }
      note(`${ROUNDS} crashes of the server, ${acknowledged} commits acknowledged, ${lost} of them lost`);
    },
    'crash',
  );
};

const DUE_STEP_MS = 3_600_000;
/** Another for each commit, so that it tells which one it is of. */
function dueOf(n: number): number {
  return n * DUE_STEP_MS;
}

/** A chain of commits, until one fails. */
async function write(
  store: Store,
  partition: string,
  life: { sent: number; acknowledged: number; readonly away: boolean },
): Promise<void> {
  const [entry] = (await store.get(partition, ['n'])).entries;
  let [n, rev] = [Number(text(entry?.value) ?? 0), entry?.rev ?? null];
  for (let i = 0; i < MOST_COMMITS && !life.away; i++) {
    const value = bytes(String(n + 1));
    const commit = change({
      checks: [{ key: 'n', rev }],
      puts: [
        { key: 'n', value },
        { key: 'm', value },
      ],
      appends: [value],
      due: { in: dueOf(n + 1) },
    });
    life.sent = n + 1;
    try {
      applied(await store.commit(partition, commit));
    } catch (error) {
      if (StoreError.is(error, 'unknown') || StoreError.is(error, 'unavailable')) return;
      throw error;
    }
    [n, rev] = [n + 1, commit.id];
    life.acknowledged = n;
    await turn();
  }
}
