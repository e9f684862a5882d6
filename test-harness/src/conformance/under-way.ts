import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { appendKey, type CommitResult, type Snapshot, type Store, StoreError } from '@motion-ts/core/store';
import type { Group } from './options.js';
import { GRACE_MS, OUTAGES, type Settled, settling } from './outage.js';
import { bytes, change, entriesOf, eventually, pause, settles, text, texts, turn, whileStill } from './suite.js';

/** Commits under way when the server goes. */
const WRITERS = 8;
/** Of one writer in one outage: the case ends also where nothing takes time. */
const MOST_COMMITS = 60;
/** Before the server goes. */
const FEW = 3;

/** What becomes of commits that are under way when the server goes. */
export const underWay: Group = (add, terms) => {
  const { settled, worksAgain } = settling(terms);

  for (const { server, needs, during } of OUTAGES) {
    add(
      `C6 commits under way when the server becomes ${server} apply wholly or not at all, and \`unavailable\` means never`,
      async (fixture) => {
        const { store, partition, note } = fixture;
        const outcomes = new Map<string, Settled<CommitResult>>();
        for (let round = 0; round < 3; round++) {
          let [away, over, applied] = [false, false, 0];
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
              const outcome = await settled(`commit ${name}`, store.commit(partition, commit));
              outcomes.set(name, outcome);
              if ('value' in outcome) applied++;
              if (last) return;
              // Some stores answer within the turn; the clock needs turns of its own.
              await turn();
            }
          };
          const writing = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer))).finally(() => {
            over = true;
          });
          // Awaited below; what fails before that is no stray error.
          writing.catch(() => {});
          const within = 2 * (terms.timeoutMs + terms.patienceMs);
          await eventually('some commits are applied', async () => over || applied >= FEW, within);
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
          look: () => Promise<Snapshot>,
        ): Promise<void> => {
          for (;;) {
            const sent = await settled('a commit', send());
            if ('value' in sent && sent.value.ok) return;
            const seen = await settled('a get', look());
            if ('value' in seen && seen.value.entries[0]?.rev === id) return;
            await pause(20);
          }
        };
        const working = sure();
        // Awaited below; what fails before that is no stray error.
        working.catch(() => {});
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
  }
};

function codeOf(outcome: Settled<CommitResult>): string {
  if ('error' in outcome) return StoreError.is(outcome.error) ? outcome.error.code : String(outcome.error);
  return outcome.value.ok ? 'applied' : 'refused';
}

async function allOrNothing(
  store: Store,
  partition: string,
  outcomes: ReadonlyMap<string, Settled<CommitResult>>,
): Promise<void> {
  const parts = await whileStill(store, partition, async (seq) => {
    const appended = await entriesOf(store, partition, 'q/');
    const puts = [...(await entriesOf(store, partition, 'k/')), ...(await entriesOf(store, partition, 'l/'))];
    return { seq, appended, puts };
  });
  assert.deepEqual(
    parts.appended.map(({ key }) => key),
    Array.from({ length: parts.seq }, (_, i) => appendKey(i + 1)),
    'the appends are not dense',
  );
  const found = new Map<string, number>();
  for (const { value } of [...parts.appended, ...parts.puts]) {
    const name = text(value) as string;
    found.set(name, (found.get(name) ?? 0) + 1);
  }
  for (const [name, outcome] of outcomes) {
    const count = found.get(name) ?? 0;
    assert.ok(count === 0 || count === 3, `commit ${name} is applied in part: ${count} of 3`);
    const code = codeOf(outcome);
    assert.ok(['applied', 'unknown', 'unavailable'].includes(code), `commit ${name}: ${code}`);
    if (code === 'applied') assert.equal(count, 3, `commit ${name} was acknowledged and is lost`);
    if (code === 'unavailable') assert.equal(count, 0, `commit ${name} rejected with unavailable, and is applied`);
  }
}
