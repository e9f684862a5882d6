import assert from 'node:assert/strict';
import { appendKey } from '@motion-ts/core/store';
import { applied, bytes, change, type Group, putTexts, text, texts, turn } from './suite.js';

export const concurrency: Group = (add) => {
  add('C2 of 16 concurrent replacements of one revision, exactly one wins', async ({ store, other, partition }) => {
    let rev = await putTexts(store, partition, { a: 'start' });
    for (let round = 0; round < 5; round++) {
      const commits = Array.from({ length: 16 }, (_, i) =>
        change({ checks: [{ key: 'a', rev }], puts: [{ key: 'a', value: bytes(`${round}.${i}`) }] }),
      );
      const results = await Promise.all(
        commits.map((commit, i) => (i % 2 === 0 ? store : other).commit(partition, commit)),
      );
      const winners = commits.filter((_, i) => results[i]?.ok);
      assert.equal(winners.length, 1, `${winners.length} of 16 won`);
      rev = winners[0]?.id as string;
      assert.equal((await store.get(partition, ['a'])).entries[0]?.rev, rev);
    }
  });

  add('C2 of 16 concurrent creations of one entry, exactly one wins', async ({ store, other, partition }) => {
    for (let round = 0; round < 5; round++) {
      const results = await Promise.all(
        Array.from({ length: 16 }, (_, i) =>
          (i % 2 === 0 ? store : other).commit(
            `${partition}${round}`,
            change({ checks: [{ key: 'a', rev: null }], puts: [{ key: 'a', value: bytes(`${i}`) }] }),
          ),
        ),
      );
      const winner = results.findIndex((result) => result.ok);
      assert.equal(results.filter((result) => result.ok).length, 1);
      assert.deepEqual(await texts(other, `${partition}${round}`, 'a'), [`${winner}`]);
    }
  });

  add('C5 40 concurrent appends are dense, and each is where its result says', async ({ store, other, partition }) => {
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        (i % 2 === 0 ? store : other).commit(partition, change({ appends: [bytes(`x${i}`)] })),
      ),
    );
    const seqs = results.map((result) => (result.ok ? (result.seq ?? -1) : -1));
    assert.deepEqual(
      [...seqs].sort((a, b) => a - b),
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
    for (const [i, seq] of seqs.entries()) assert.deepEqual(await texts(store, partition, appendKey(seq)), [`x${i}`]);
    assert.equal((await other.get(partition, [])).seq, 40);
  });

  add('C5 concurrent appends of several values stay together', async ({ store, other, partition }) => {
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        (i % 2 === 0 ? store : other).commit(
          partition,
          change({ appends: [bytes(`${i}a`), bytes(`${i}b`), bytes(`${i}c`)] }),
        ),
      ),
    );
    for (const [i, result] of results.entries()) {
      assert.ok(result.ok && result.seq !== undefined);
      const keys = [result.seq - 2, result.seq - 1, result.seq].map(appendKey);
      assert.deepEqual(await texts(store, partition, ...keys), [`${i}a`, `${i}b`, `${i}c`]);
    }
  });

  add('C4 snapshots are never torn and never go back', async ({ store, other, partition }) => {
    const keys = ['k1', 'k2', 'k3', 'k4', 'k5'];
    let writing = true;
    const writer = (async () => {
      for (let i = 0; i < 60; i++) {
        await turn();
        const puts = keys.map((key) => ({ key, value: bytes(String(i)) }));
        applied(await store.commit(partition, change({ puts, appends: [bytes('x')], due: { in: 1e9 + i * 1e8 } })));
      }
      writing = false;
    })();
    let last = -1;
    const reader = async (): Promise<void> => {
      while (writing) {
        // Some stores answer within the turn; the writer needs turns of its own.
        await turn();
        const { seq, dueIn, entries } = await other.get(partition, ['k1', 'k3', 'k5']);
        const values = entries.map((entry) => (entry ? Number(text(entry.value)) : -1));
        assert.ok(
          values.every((value) => value === values[0]),
          `torn: ${values}`,
        );
        assert.equal(new Set(entries.map((entry) => entry?.rev)).size, 1, 'torn revisions');
        const value = values[0] as number;
        assert.equal(seq, value + 1, 'seq is of another time than the entries');
        if (value >= 0)
          assert.ok(Math.abs((dueIn ?? 0) - 1e9 - value * 1e8) < 4e7, 'due is of another time than the entries');
        assert.ok(value >= last, `went back from ${last} to ${value}`);
        last = value;
      }
    };
    // Together: should one fail, the other's error is no stray one.
    await Promise.all([writer, reader()]);
    assert.deepEqual(
      await texts(other, partition, ...keys),
      keys.map(() => '59'),
    );
  });

  add('C4 a snapshot of many keys is not torn either', async ({ store, other, partition }) => {
    const count = Math.min(60, store.limits.getKeys, store.limits.commitOps);
    const keys = Array.from({ length: count }, (_, i) => `k${i}`);
    let writing = true;
    const writer = (async () => {
      for (let i = 0; i < 20; i++) {
        await turn();
        applied(await store.commit(partition, change({ puts: keys.map((key) => ({ key, value: bytes(`${i}`) })) })));
      }
      writing = false;
    })();
    const reader = async (): Promise<void> => {
      while (writing) {
        // Some stores answer within the turn; the writer needs turns of its own.
        await turn();
        const values = new Set(await texts(other, partition, ...keys));
        assert.equal(values.size, 1, `torn: ${[...values]}`);
      }
    };
    await Promise.all([writer, reader()]);
  });

  add('C2 counters that several clients raise lose nothing', async ({ store, other, partition }) => {
    const raise = async (client: typeof store): Promise<void> => {
      for (let done = 0; done < 10; ) {
        const [entry] = (await client.get(partition, ['n'])).entries;
        const value = bytes(String(Number(text(entry?.value) ?? 0) + 1));
        const commit = change({ checks: [{ key: 'n', rev: entry?.rev ?? null }], puts: [{ key: 'n', value }] });
        if ((await client.commit(partition, commit)).ok) done++;
      }
    };
    await Promise.all([raise(store), raise(other), raise(store), raise(other)]);
    assert.deepEqual(await texts(store, partition, 'n'), ['40']);
  });

  add('many partitions at once do not mix', async ({ store, other, partition }) => {
    const names = Array.from({ length: 50 }, (_, i) => `${partition}.${i}`);
    await Promise.all(names.map((name, i) => putTexts(i % 2 === 0 ? store : other, name, { a: name })));
    const values = await Promise.all(names.map((name, i) => texts(i % 2 === 0 ? other : store, name, 'a')));
    assert.deepEqual(
      values,
      names.map((name) => [name]),
    );
  });
};
