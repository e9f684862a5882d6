import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { appendKey, type Store, StoreError } from '@motion-ts/core/store';
import type { Group } from './options.js';
import { bytes, change, entriesOf, eventually, pause, settles, text, turn } from './suite.js';

const ROUNDS = 3;
/** Of one round: the case ends also where nothing takes time. */
const MOST_COMMITS = 300;
/** Before the server is killed. */
const FEW = 5;

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
        const life: Life = { sent: 0, acknowledged: 0, made: 0, over: false };
        const writing = write(store, partition, life).finally(() => {
          life.over = true;
        });
        // Awaited below; what fails before that is no stray error.
        writing.catch(() => {});
        const within = 2 * (terms.timeoutMs + terms.patienceMs);
        await eventually('some commits are acknowledged', async () => life.over || life.made >= FEW, within);
        await pause(randomInt(1, 30));
        await faults?.crash?.(namespace);
        life.over = true;
        await settles('the writer', writing, within);
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
        acknowledged += life.made;
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

/** What one chain of commits came to. */
interface Life {
  /** The value of the counter that was sent last, and the one that was acknowledged last. */
  sent: number;
  acknowledged: number;
  /** How many were acknowledged. */
  made: number;
  over: boolean;
}

/** A chain of commits, until the server is gone. */
async function write(store: Store, partition: string, life: Life): Promise<void> {
  const [entry] = (await store.get(partition, ['n'])).entries;
  let [n, rev] = [Number(text(entry?.value) ?? 0), entry?.rev ?? null];
  for (let i = 0; i < MOST_COMMITS && !life.over; i++) {
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
      // Refused is what follows a commit that the crash took back; what is left is judged afterwards.
      if (!(await store.commit(partition, commit)).ok) return;
    } catch (error) {
      if (StoreError.is(error, 'unknown') || StoreError.is(error, 'unavailable')) return;
      throw error;
    }
    [n, rev] = [n + 1, commit.id];
    life.acknowledged = n;
    life.made++;
    await turn();
  }
}
