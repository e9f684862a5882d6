import { type CopyProgress, copyInstances, MotionError, StoreError } from '@motion-ts/core';
import type { Commit } from '@motion-ts/core/store';
import { MemoryStore } from '@motion-ts/memory';
import { describe, expect, test } from 'vitest';
import { Journal } from '../runtime/fixtures.js';
import { errorOf } from '../support/places.js';
import { RecordingStore } from '../support/recording-store.js';
import { at, live, NARROW, Narrow, runAll, seen, sqlite, using } from './stores.js';

const components = [Journal];

const codeOf = (call: Promise<unknown>): Promise<unknown> => errorOf(call).then((error) => (error as MotionError).code);

describe('moving instances', () => {
  test('memory -> SQLite -> narrow limits -> memory: all is there, in order, and runs once', async () => {
    const stores = [new MemoryStore(), sqlite(), new Narrow(NARROW), new MemoryStore()] as const;
    const ids = ['a', 'b/ü ~', 'c'];
    await live(stores[0], ...ids);
    const before = await Promise.all(ids.map((id) => seen(stores[0], id)));
    for (const [n, to] of stores.slice(1).entries()) {
      const progress: CopyProgress[] = [];
      const from = stores[n] as MemoryStore;
      const report = await copyInstances(from, to, { components, onProgress: (p) => progress.push(p) });
      expect(report).toMatchObject({ copied: 3, already: 0, problems: [] });
      expect(report.bytes).toBeGreaterThan(3 * 112_000);
      expect(progress.map(({ done, total }) => [done, total])).toEqual([
        [1, 3],
        [2, 3],
        [3, 3],
      ]);
      expect(progress.at(-1)?.bytes).toBe(report.bytes);
      for (const { instance } of progress) expect(instance.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(await Promise.all(ids.map((id) => seen(to, id)))).toEqual(before);
    }
    const last = stores[3];
    await at(last, 'a', 'off', async (instance) => {
      for (const idempotencyKey of ['k1', 'k2']) await instance.run('add', { word: 'again' }, { idempotencyKey });
      expect((await instance.deadLetters())[0]).toMatchObject({ flow: 'fail', props: { word: 'dead' } });
    });
    await runAll(last, 'a');
    await at(last, 'a', 'off', async (instance) => {
      const { log } = await instance.readState();
      const x = 'x'.repeat(12_000);
      expect(log).toEqual(['of a', 'keyed', 'first', 'second', `${x}1`, `${x.toUpperCase()}2`]);
      const [letter] = await instance.deadLetters();
      await instance.redrive(letter?.id ?? '');
    });
    const component = new Journal();
    // So often it fails before it does not.
    component.tries.push(...Array.from({ length: 99 }, () => 'dead'));
    const log = expect.arrayContaining(['of a', 'dead']);
    expect(await runAll(last, 'a', component)).toMatchObject({ deadLetters: 0, queued: 0, state: { log } });
  });

  test('ends them where they were, and is repeated without harm', async () => {
    const [from, to] = [new MemoryStore(), new MemoryStore()];
    await live(from, 'a');
    await using(from, 'off', async (motion) => {
      const held = await motion.instance(Journal, 'a');
      const [letter] = await held.deadLetters();
      expect(await copyInstances(from, to, { components: ['Journal'] })).toMatchObject({ copied: 1 });
      expect(await codeOf(held.run('add', { word: 'late' }))).toBe('INSTANCE_GONE');
      expect(await codeOf(held.readState())).toBe('INSTANCE_GONE');
      expect(await codeOf(held.discardDeadLetter(letter?.id ?? ''))).toBe('INSTANCE_GONE');
      expect(await codeOf(held.redrive(letter?.id ?? ''))).toBe('INSTANCE_GONE');
      expect(await codeOf(motion.instance(Journal, 'a'))).toBe('INSTANCE_MOVED');
      expect(await codeOf(motion.instance(Journal, 'a', { existing: true }))).toBe('INSTANCE_MOVED');
    });
    const moved = await seen(to, 'a');
    expect(await copyInstances(from, to, { components })).toMatchObject({ copied: 0, already: 1 });
    expect(await seen(to, 'a')).toEqual(moved);
    // What was deleted there does not come back.
    await using(to, 'off', async (motion) => expect(await motion.clear(Journal, 'a')).toBe(true));
    expect(await copyInstances(from, to, { components })).toMatchObject({ copied: 0, already: 1 });
    expect(await codeOf(seen(to, 'a'))).toBe('INSTANCE_GONE');
    // What stayed is removed by clear, and then the name is free.
    await using(from, 'off', async (motion) => {
      expect(await motion.clear(Journal, 'a')).toBe(true);
      expect(await motion.clear(Journal, 'a')).toBe(false);
      await (await motion.instance(Journal, 'a')).close();
    });
    expect(await from.list('Journal/a', { prefix: '', limit: 100 })).toHaveLength(5);
  });

  test('there and back, over what stayed', async () => {
    const [here, there] = [new MemoryStore(), sqlite()];
    await live(here, 'a');
    for (const word of ['one', 'two']) {
      expect(await copyInstances(here, there, { components })).toMatchObject({ copied: 1, problems: [] });
      await at(there, 'a', 'background', (instance) => instance.run('add', { word }, { flushUpdates: true }));
      const before = await seen(there, 'a');
      expect(await copyInstances(there, here, { components })).toMatchObject({ copied: 1, problems: [] });
      expect(await seen(here, 'a')).toEqual(before);
    }
    const { state } = (await seen(here, 'a')) as { state: { log: string[] } };
    expect(state.log.slice(-2)).toEqual(['one', 'two']);
  });

  test('a flush after it does not report what failed before it, but what fails then', async () => {
    const [from, to] = [new MemoryStore(), new MemoryStore()];
    await live(from, 'a');
    await copyInstances(from, to, { components });
    await at(to, 'a', 'background', async (instance) => {
      await instance.flushUpdates();
      await instance.run('fail', { word: 'anew' });
      const error = (await errorOf(instance.flushUpdates())) as MotionError;
      expect(error.code).toBe('UPDATE_FAILED');
      expect(error.errors).toHaveLength(1);
      expect((await instance.deadLetters()).map(({ props }) => (props as { word: string }).word)).toEqual([
        'dead',
        'anew',
      ]);
    });
  });

  test.each([
    ['a call that is queued', 'off'],
    ['a call that is committed without being queued', 'background'],
  ] as const)('%s in the last moment: it is copied anew, and nothing is lost', async (_, updates) => {
    const [from, to] = [new RecordingStore(new MemoryStore()), new MemoryStore()];
    await live(from, 'a');
    if (updates === 'background') await runAll(from, 'a');
    let times = 0;
    await using(from.inner, updates, async (motion) => {
      const instance = await motion.instance(Journal, 'a');
      const flushUpdates = updates === 'background';
      from.before = async (method, _, detail) => {
        const isSeal = (detail as Commit).deletes?.includes('init');
        if (method === 'commit' && isSeal && ++times === 1)
          await instance.run('add', { word: 'last' }, { flushUpdates });
      };
      // From here on its holder sits idle.
      await instance.run('add', { word: 'last but one' }, { flushUpdates });
      expect(await copyInstances(from, to, { components })).toMatchObject({ copied: 1, problems: [] });
    });
    expect(times).toBe(2);
    const { state } = (await runAll(to, 'a')) as { state: { log: string[] } };
    expect(state.log.slice(-2)).toEqual(['last but one', 'last']);
    expect(state.log.filter((word) => word === 'first')).toHaveLength(1);
  });

  test('an instance that is never quiet is ended first, and then copied', async () => {
    const [from, to] = [new RecordingStore(new MemoryStore()), new MemoryStore()];
    await live(from, 'a');
    let more = 0;
    await using(from.inner, 'off', async (motion) => {
      const instance = await motion.instance(Journal, 'a');
      from.afterGet = async (got, keys) => {
        // The last time it has ended.
        const called = keys.includes('dir') && instance.run('add', { word: `more ${more}` });
        if (called) await called.then(() => void more++).catch(() => undefined);
        return got;
      };
      expect(await copyInstances(from, to, { components })).toMatchObject({ copied: 1, problems: [] });
    });
    expect(more).toBeGreaterThan(3);
    const { state } = (await runAll(to, 'a')) as { state: { log: string[] } };
    expect(state.log.slice(-more)).toEqual(Array.from({ length: more }, (_, n) => `more ${n}`));
  });

  test('fencing tokens go on rising', async () => {
    const [from, to] = [new MemoryStore(), new MemoryStore()];
    const before = new Journal();
    const run = (store: MemoryStore, component: Journal): Promise<unknown> =>
      using(
        store,
        'background',
        async (motion) => (await motion.instance(Journal, 'a')).run('add', { word: 'x' }, { flushUpdates: true }),
        component,
      );
    for (let n = 0; n < 3; n++) await run(from, before);
    await copyInstances(from, to, { components });
    const after = new Journal();
    await run(to, after);
    expect(after.contexts[0]?.epoch).toBeGreaterThan(before.contexts.at(-1)?.epoch ?? Infinity);
  });
});

describe('copying instances', () => {
  test('leaves them as they are; another copy does not take the place of the first', async () => {
    const [from, to] = [sqlite(), new Narrow(NARROW)];
    await live(from, 'a');
    const before = await seen(from, 'a');
    expect(await copyInstances(from, to, { components, mode: 'copy' })).toMatchObject({ copied: 1 });
    expect(await seen(from, 'a')).toEqual(before);
    expect(await seen(to, 'a')).toEqual(before);
    expect(await copyInstances(from, to, { components, mode: 'copy' })).toMatchObject({ copied: 0, already: 1 });
    const { problems } = await copyInstances(from, to, { components });
    expect(problems).toMatchObject([{ outcome: 'failed', error: { code: 'INSTANCE_EXISTS' } }]);
    // How many updates share a commit is up to time.
    const { version: _, ...there } = (await runAll(to, 'a')) as { version: number };
    expect(await runAll(from, 'a')).toMatchObject(there);
  });

  test('an instance that is never quiet is told as busy, and its copy is not there', async () => {
    const [from, to] = [new RecordingStore(new MemoryStore()), new MemoryStore()];
    await live(from, 'a');
    await using(from.inner, 'off', async (motion) => {
      const instance = await motion.instance(Journal, 'a');
      from.afterGet = async (got, keys) => {
        if (keys.includes('dir')) await instance.run('add', { word: 'more' });
        return got;
      };
      const report = await copyInstances(from, to, { components, mode: 'copy' });
      expect(report).toMatchObject({ copied: 0, problems: [{ outcome: 'busy', instanceId: 'a' }] });
    });
    expect(await codeOf(at(to, 'a', 'off', async () => undefined))).toBe('INSTANCE_MOVED');
    from.afterGet = (got) => got;
    expect(await copyInstances(from, to, { components, mode: 'copy' })).toMatchObject({ copied: 1 });
    expect(await seen(to, 'a')).toEqual(await seen(from, 'a'));
  });

  test('a dead letter that is dropped meanwhile is not in the copy', async () => {
    for (const mode of ['move', 'copy'] as const) {
      const [from, to] = [new RecordingStore(new MemoryStore()), new MemoryStore()];
      await live(from, 'a');
      await using(from.inner, 'off', async (motion) => {
        const instance = await motion.instance(Journal, 'a');
        const [letter] = await instance.deadLetters();
        let dropped = false;
        // After the dead letters were read.
        from.before = async (method, _, range) => {
          if (method !== 'list' || (range as { prefix: string }).prefix !== 'i/' || dropped) return;
          dropped = true;
          await instance.discardDeadLetter(letter?.id ?? '');
        };
        expect(await copyInstances(from, to, { components, mode })).toMatchObject({ copied: 1 });
        expect(dropped).toBe(true);
      });
      expect(await seen(to, 'a')).toMatchObject({ deadLetters: 0 });
    }
  });
});

describe('a copy that fails', () => {
  test('by bytes that were changed is refused, and the instance goes on where it was', async () => {
    for (const victim of ['s/log', 'q/', 'o/', 'b/', 'i/', 'dir']) {
      const [from, to] = [new MemoryStore(), new Narrow(NARROW)];
      await live(from, 'a');
      const before = await seen(from, 'a');
      let altered = 0;
      const alter = (key: string, value: Uint8Array): Uint8Array => {
        if (!key.startsWith(victim) || key.endsWith('!')) return value;
        altered++;
        const copy = new Uint8Array(value);
        copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
        return copy;
      };
      const { commit } = to;
      to.commit = (partition, { puts, appends, ...rest }) =>
        commit.call(to, partition, {
          ...rest,
          puts: puts?.map(({ key, value }) => ({ key, value: alter(key, value) })),
          appends: appends?.map((value) => alter('q/', value)),
        });
      const { copied, problems } = await copyInstances(from, to, { components });
      expect(altered, victim).toBeGreaterThan(0);
      expect([victim, copied, problems]).toMatchObject([
        victim,
        0,
        [{ outcome: 'failed', error: { code: 'COPY_MISMATCH' } }],
      ]);
      expect(await seen(from, 'a')).toEqual(before);
      expect(await codeOf(at(to, 'a', 'off', async () => undefined))).toBe('INSTANCE_MOVED');
      to.commit = commit;
      expect(await copyInstances(from, to, { components })).toMatchObject({ copied: 1 });
      expect(await seen(to, 'a')).toEqual(before);
    }
  });

  test('by a store that fails anywhere goes on when it is called again', async () => {
    const original = new MemoryStore();
    await live(original, 'a', 'b');
    const before = [await seen(original, 'a'), await seen(original, 'b')];
    let finished = false;
    for (let failAt = 1; !finished; failAt++) {
      const [from, to] = [new RecordingStore(new MemoryStore()), new RecordingStore(new MemoryStore())];
      await copyInstances(original, from.inner, { components, mode: 'copy' });
      let calls = 0;
      for (const store of [from, to]) {
        const fail = (): void => {
          if (++calls === failAt) throw new MotionError('ABORTED', 'as if the process had ended here');
          if (calls > failAt) throw new MotionError('ABORTED', 'it has ended');
        };
        store.before = fail;
        // Applied, and nobody heard of it.
        store.afterCommit = fail;
      }
      const first = await copyInstances(from, to, { components, concurrency: 1 }).catch(() => undefined);
      finished = first?.problems.length === 0;
      for (const store of [from, to]) {
        store.before = () => undefined;
        store.afterCommit = () => undefined;
      }
      const { copied, already, problems } = await copyInstances(from, to, { components });
      expect([failAt, copied + already, problems]).toEqual([failAt, 2, []]);
      expect([await seen(to, 'a'), await seen(to, 'b')]).toEqual(before);
      for (const id of ['a', 'b']) expect(await codeOf(seen(from, id))).toBe('INSTANCE_GONE');
    }
  }, 60_000);

  test('another instance of that name is not touched', async () => {
    const [from, to] = [new MemoryStore(), new MemoryStore()];
    await live(from, 'a', 'b');
    await at(to, 'a', 'background', (instance) => instance.run('add', { word: 'other' }, { flushUpdates: true }));
    const { copied, problems } = await copyInstances(from, to, { components });
    expect(copied).toBe(1);
    expect(problems).toMatchObject([{ instanceId: 'a', outcome: 'failed', error: { code: 'INSTANCE_EXISTS' } }]);
    expect(await seen(to, 'a')).toMatchObject({ state: { log: ['other'] } });
    expect(await seen(from, 'a')).toMatchObject({ queued: 4 });
  });

  test('two at once: each instance arrives once', async () => {
    const [from, to] = [new MemoryStore(), new MemoryStore()];
    const ids = Array.from({ length: 12 }, (_, n) => `i${n}`);
    await live(from, ...ids);
    const before = await Promise.all(ids.map((id) => seen(from, id)));
    await Promise.all([1, 2, 3].map(() => copyInstances(from, to, { components, concurrency: 4 })));
    await copyInstances(from, to, { components });
    expect(await Promise.all(ids.map((id) => seen(to, id)))).toEqual(before);
  });

  test('what an unfinished one sealed cannot be overwritten from elsewhere', async () => {
    const [from, to, third] = [new MemoryStore(), new RecordingStore(new MemoryStore()), new MemoryStore()];
    await live(from, 'a');
    await live(third, 'a');
    to.before = (method, _, detail) => {
      const { puts = [] } = detail as { puts?: { key: string }[] };
      if (method === 'commit' && puts.some(({ key }) => key === 'init')) throw new MotionError('ABORTED', 'the end');
    };
    await copyInstances(from, to, { components });
    expect(await codeOf(seen(from, 'a'))).toBe('INSTANCE_GONE');
    const { problems } = await copyInstances(third, from, { components });
    expect(problems).toMatchObject([{ error: { code: 'INSTANCE_EXISTS' } }]);
    to.before = () => undefined;
    expect(await copyInstances(from, to, { components })).toMatchObject({ copied: 1, problems: [] });
  });

  test('an instance that cannot arrive moves elsewhere, and back from there', async () => {
    const [from, lost, other] = [new MemoryStore(), new RecordingStore(new MemoryStore()), new MemoryStore()];
    await live(from, 'a');
    const before = await seen(from, 'a');
    lost.before = (method, _, detail) => {
      const { puts = [] } = detail as { puts?: { key: string }[] };
      if (method === 'commit' && puts.some(({ key }) => key === 'init')) throw new MotionError('ABORTED', 'the end');
    };
    expect(await copyInstances(from, lost, { components })).toMatchObject({ problems: [{ outcome: 'failed' }] });
    expect(await copyInstances(from, other, { components })).toMatchObject({ copied: 1 });
    lost.before = () => undefined;
    expect(await copyInstances(from, lost, { components })).toMatchObject({ copied: 0, already: 1 });
    expect(await codeOf(seen(lost, 'a'))).toBe('INSTANCE_GONE');
    expect(await copyInstances(other, from, { components })).toMatchObject({ copied: 1 });
    expect(await seen(from, 'a')).toEqual(before);
  });

  test('ends by its signal, and goes on when called again', async () => {
    const [from, to] = [new MemoryStore(), new MemoryStore()];
    await live(from, 'a', 'b', 'c', 'd');
    const stop = new AbortController();
    const onProgress = (): void => stop.abort();
    const error = await errorOf(
      copyInstances(from, to, { components, concurrency: 1, signal: stop.signal, onProgress }),
    );
    expect(error).toMatchObject({ code: 'ABORTED', message: expect.stringContaining('1 of 4') });
    expect(await copyInstances(from, to, { components })).toMatchObject({ copied: 3, already: 1 });
  });

  test('by options that make no sense says so', async () => {
    const [from, to] = [new MemoryStore(), new MemoryStore()];
    const bad = [
      { components: [] },
      { components: [1] },
      { components, mode: 'sync' },
      { components, kind: 'copy' },
      { components, concurrency: 0 },
      { components, storeTimeoutMs: Number.NaN },
    ] as never[];
    for (const options of [...bad, undefined as never])
      expect(await codeOf(copyInstances(from, to, options))).toBe('INVALID_OPTIONS');
    expect(await codeOf(copyInstances(from, from, { components }))).toBe('INVALID_OPTIONS');
  });
});

test('callers whose answer was lost in the moment of the move learn that their call was queued', async () => {
  const [inner, to] = [new MemoryStore(), new MemoryStore()];
  const from = new RecordingStore(inner);
  await at(inner, 'a', 'off', async () => undefined);
  await using(from, 'off', async (motion) => {
    const instance = await motion.instance(Journal, 'a');
    let moved = false;
    from.afterCommit = async (commit) => {
      if (!commit.appends || moved) return;
      moved = true;
      await copyInstances(inner, to, { components });
      throw new StoreError('unknown', 'the answer was lost');
    };
    await instance.run('add', { word: 'moved' });
  });
  expect(await runAll(to, 'a')).toMatchObject({ state: { log: ['moved'], count: 1 } });
});
