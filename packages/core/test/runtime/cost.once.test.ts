import { Component, InitState, type State, StoreError, Update, type UpdateProps } from '@motion-ts/core';
import { describe, expect, test } from 'vitest';
import { Gate, motionOn, places, sleep, until } from '../support/places.js';
import { Journal, motion } from './fixtures.js';

const KEYS = Array.from({ length: 100 }, (_, n) => `k${n}`);

class Wide extends Component<{
  flows: {
    noop: { props: { n?: number } };
    set: { props: { key: string; value: unknown } };
    many: { props: { from: number; count: number; size?: number } };
    fill: { props: { key: string; bytes: number } };
  };
}> {
  ran = 0;
  @InitState() setup() {
    return Object.fromEntries(KEYS.map((key) => [key, 0]));
  }
  @Update('noop') noop(): void {
    this.ran++;
  }
  @Update('set') set(_: State<Wide>, { key, value }: UpdateProps<Wide, 'set'>) {
    return { [key]: value };
  }
  @Update('many') many(_: State<Wide>, { from, count, size = 1 }: UpdateProps<Wide, 'many'>) {
    this.ran++;
    return Object.fromEntries(Array.from({ length: count }, (__, n) => [`m${from + n}`, 'x'.repeat(size)]));
  }
  @Update('fill') fill(_: State<Wide>, { key, bytes }: UpdateProps<Wide, 'fill'>) {
    return { [key]: new Uint8Array(bytes).fill(7) };
  }
}

describe.each(places)('what it costs on $kind', ({ kind, make }) => {
  test('1,000 queued no-ops need at most 40 commits', async () => {
    const place = make();
    const wide = await motionOn(place, { updates: 'off' }).instance(Wide, 'a');
    for (let n = 0; n < 1_000; n++) await wide.run('noop', { n });
    const store = place.open();
    const component = new Wide();
    motionOn({ open: () => store }).register(Wide, () => component);
    await wide.flushUpdates();
    expect(component.ran).toBe(1_000);
    console.log(`${kind}: 1,000 queued no-ops in ${store.applied.length} commits`);
    expect(store.applied.length).toBeLessThanOrEqual(40);
  });

  test('1 of 100 keys changed: one entry of the state, and root', async () => {
    const store = make().open();
    const wide = await motionOn({ open: () => store }).instance(Wide, 'a');
    await wide.run('set', { key: 'k7', value: 1 }, { flushUpdates: true });
    await sleep(150);
    store.forget();
    await wide.run('set', { key: 'k7', value: 2 });
    await wide.flushUpdates();
    expect(store.puts.filter((key) => key.startsWith('s/') || key === 'dir')).toEqual(['s/k7']);
    console.log(`${kind}: 1 of 100 keys changed: ${store.bytesWritten} bytes written`);
    expect(store.bytesWritten).toBeLessThan(1_000);
  });

  test('a call whose updates change nothing writes nothing of the state, and counts as no version', async () => {
    const store = make().open();
    const wide = await motionOn({ open: () => store }).instance(Wide, 'a');
    store.forget();
    await wide.run('noop', {}, { flushUpdates: true });
    expect(store.puts.filter((key) => key.startsWith('s/') || key === 'dir')).toEqual([]);
    expect(await wide.version()).toBe(1);
  });

  test('a holder that sits idle looks for one entry at a time, a few times, and then no more', async () => {
    const store = make().open();
    const wide = await motionOn({ open: () => store }).instance(Wide, 'a');
    await wide.run('set', { key: 'k1', value: 0 }, { flushUpdates: true });
    store.forget();
    // The lease is given back, which is its last commit.
    await until(() => store.applied.some(({ due }) => due && 'in' in due && due.in === null));
    const looks = store.gets.map(({ keys }) => keys).filter(([key]) => key?.startsWith('q/'));
    expect(looks.length).toBeGreaterThan(0);
    expect(looks.length).toBeLessThanOrEqual(5);
    for (const keys of looks) expect(keys).toHaveLength(1);
    await sleep(300);
    expect(store.gets.map(({ keys }) => keys).filter(([key]) => key?.startsWith('q/'))).toHaveLength(looks.length);
  });

  test('who waits for updates that run in this process does not ask the store for them, however slow it is', async () => {
    const store = make().open();
    const wide = await motionOn({ open: () => store }).instance(Wide, 'a');
    // The holder is here from now on.
    await wide.run('set', { key: 'k1', value: 0 }, { flushUpdates: true });
    store.before = (method) => (method === 'commit' ? sleep(40) : undefined);
    store.forget();
    await Promise.all([1, 2, 3].map((value) => wide.run('set', { key: 'k1', value }, { flushUpdates: true })));
    expect(store.gets.filter(({ keys }) => keys.some((key) => key.startsWith('o/')))).toEqual([]);
    expect(await wide.readState('k1')).toBe(3);
  });

  test('waiting for updates where none are queued is one look, and no waiting', async () => {
    const store = make().open();
    const wide = await motionOn({ open: () => store }, { updates: 'off' }).instance(Wide, 'a');
    store.forget();
    for (let n = 0; n < 10; n++) await wide.flushUpdates();
    expect(store.gets).toHaveLength(10);
    await expect(wide.flushUpdates(undefined, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });

  test('waiting for all updates waits for one that is committed without being queued, too', async () => {
    const store = make().open();
    const wide = await motionOn({ open: () => store }).instance(Wide, 'a');
    await wide.run('set', { key: 'k1', value: 0 }, { flushUpdates: true });
    const held = new Gate();
    store.forget();
    store.before = (method) => (method === 'commit' ? held.opened : undefined);
    const run = wide.run('set', { key: 'k1', value: 1 }, { flushUpdates: true });
    await until(() => store.count('commit') > 0);
    let flushed = false;
    const flush = wide.flushUpdates().then(() => {
      flushed = true;
    });
    await sleep(50);
    expect(flushed).toBe(false);
    held.open();
    await Promise.all([run, flush]);
    expect(store.applied).toHaveLength(1);
  });

  test('calls that are waited for, one right after the other, are one commit each', async () => {
    const store = make().open();
    const wide = await motionOn({ open: () => store }).instance(Wide, 'a');
    await wide.writeState({ k1: 0 });
    store.forget();
    for (let value = 1; value <= 50; value++) await wide.writeState({ k1: value });
    // One that takes longer than 5 ms is queued first.
    expect(store.applied.filter(({ appends }) => appends).length).toBeLessThanOrEqual(10);
    expect(await wide.readState('k1')).toBe(50);
  });

  test('a batch that was found in the store before its append was answered is not waited for again', async () => {
    const store = make().open();
    const wide = await motionOn({ open: () => store }).instance(Wide, 'a');
    const set = (value: number, flushUpdates: boolean): Promise<void> =>
      wide.run('set', { key: 'k1', value }, { flushUpdates });
    // The holder is here from now on, and looks for others' appends.
    await set(0, true);
    const answered = new Gate();
    store.afterCommit = ({ appends }) => (appends ? answered.opened : undefined);
    const late = set(1, false);
    await until(async () => (await wide.readState('k1')) === 1);
    store.afterCommit = () => undefined;
    answered.open();
    await late;
    store.forget();
    for (let value = 2; value < 52; value++) {
      await set(value, true);
      await wide.readState('k1');
    }
    // Each is committed at once; the first may still find the holder about to look, and one that takes long is queued.
    expect(store.applied.filter(({ appends }) => appends).length).toBeLessThanOrEqual(10);
  });

  test('an update that changes nothing runs once, though the store takes its time', async () => {
    const store = make().open();
    const component = new Wide();
    const wide = await motionOn({ open: () => store })
      .register(Wide, () => component)
      .instance(Wide, 'a');
    await wide.run('noop', {}, { flushUpdates: true });
    // The holder idles now. Longer than a call waits before it is queued:
    store.before = (method) => (method === 'get' ? sleep(20) : undefined);
    for (let n = 2; n <= 12; n++) {
      await wide.run('noop', {}, { flushUpdates: true });
      expect(component.ran).toBe(n);
    }
    expect(await wide.version()).toBe(1);
  });

  test('a store that is away for a moment when such an update ends: its holder goes on', async () => {
    const store = make().open();
    // Were the lease left behind, nobody could go on for that long.
    const wide = await motionOn({ open: () => store }, { lease: { ttlMs: 60_000 } }).instance(Wide, 'a');
    let away = true;
    store.before = (method, _, keys) => {
      // The look at root, and not the one for what others queued.
      if (method !== 'get' || !away || String(keys) !== 'root') return;
      away = false;
      throw new StoreError('unavailable', 'away for a moment');
    };
    // Until the holder idles when it comes.
    while (away) {
      await sleep(10);
      await wide.run('noop', {}, { flushUpdates: true });
    }
    await wide.run('set', { key: 'k1', value: 1 }, { flushUpdates: true });
    expect(await wide.readState('k1')).toBe(1);
  });

  test('on a slow store, calls that nobody waits for share commits although they come one by one', async () => {
    const store = make().open();
    const wide = await motionOn({ open: () => store }).instance(Wide, 'a');
    await wide.run('set', { key: 'k1', value: 0 }, { flushUpdates: true });
    store.before = (method) => (method === 'commit' ? sleep(40) : undefined);
    await wide.run('set', { key: 'k1', value: 0 }, { flushUpdates: true });
    store.forget();
    for (let value = 1; value <= 20; value++) await wide.run('set', { key: 'k1', value });
    await wide.flushUpdates();
    expect(store.puts.filter((key) => key === 's/k1').length).toBeLessThanOrEqual(14);
    expect(await wide.readState('k1')).toBe(20);
  });

  test('a value of 20 MiB works, and is not written again when another key changes', async () => {
    const place = make();
    const store = place.open();
    const wide = await motionOn({ open: () => store }).instance(Wide, 'a');
    await wide.run('fill', { key: 'big', bytes: 20 * 2 ** 20 }, { flushUpdates: true });
    expect(((await wide.readState('big')) as Uint8Array).byteLength).toBe(20 * 2 ** 20);
    store.forget();
    await wide.run('set', { key: 'k1', value: 'x' }, { flushUpdates: true });
    expect(store.bytesWritten).toBeLessThan(1_000);
    const other = await motionOn(place).instance(Wide, 'a');
    const bytes = (await other.readState('big')) as Uint8Array;
    expect(bytes.byteLength).toBe(20 * 2 ** 20);
    expect(bytes.every((byte) => byte === 7)).toBe(true);
    expect(await other.readState('k1')).toBe('x');
    // Replaced and removed, nothing of it stays.
    await other.run('set', { key: 'big', value: 'small' }, { flushUpdates: true });
    await until(async () => (await store.inner.list('Wide/a', { prefix: 'b/', limit: 5 })).length === 0);
    expect(await wide.readState('big')).toBe('small');
  }, 20_000);

  test('props and results of many MiB go through the queue', async () => {
    const place = make();
    const off = await motionOn(place, { updates: 'off' }).instance(Wide, 'a');
    for (let n = 0; n < 3; n++) await off.run('set', { key: `k${n}`, value: 'y'.repeat(5_000_000) });
    motionOn(place).register(Wide);
    await off.flushUpdates();
    for (let n = 0; n < 3; n++) expect(await off.readState(`k${n}`)).toHaveLength(5_000_000);
    await until(async () => (await place.open().list('Wide/a', { prefix: 'q/', limit: 5 })).length === 0);
  }, 20_000);

  test('updates that together change more keys than one commit takes all get there', async () => {
    const place = make();
    const wide = await motionOn(place, { updates: 'off' }).instance(Wide, 'a');
    for (let n = 0; n < 4; n++) await wide.run('many', { from: n * 6_000, count: 6_000 });
    const component = new Wide();
    motionOn(place).register(Wide, () => component);
    await wide.flushUpdates();
    expect(Object.keys(await wide.readState())).toHaveLength(100 + 24_000);
    expect(component.ran).toBe(4);
  }, 20_000);

  test('more keys at once than a commit takes is refused, not tried for ever', async () => {
    const wide = await motionOn(make()).instance(Wide, 'a');
    await expect(wide.run('many', { from: 0, count: 10_000 }, { flushUpdates: true })).rejects.toMatchObject({
      code: 'UPDATE_FAILED',
      cause: { code: 'INVALID_PATCH' },
    });
    await wide.run('many', { from: 0, count: 9_990 }, { flushUpdates: true });
  }, 20_000);

  test('more bytes at once than a commit takes get there or are refused, but are not tried for ever', async () => {
    const wide = await motionOn(make()).instance(Wide, 'a');
    const outcome = await wide.run('many', { from: 0, count: 9_980, size: 13_400 }, { flushUpdates: true }).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (outcome) expect(outcome).toMatchObject({ code: 'UPDATE_FAILED', cause: { code: 'INVALID_PATCH' } });
    expect(await wide.readState('m9979')).toEqual(outcome ? undefined : 'x'.repeat(13_400));
    await wide.run('set', { key: 'k1', value: 'next' }, { flushUpdates: true });
    expect(await wide.readState('k1')).toBe('next');
  }, 30_000);

  test('1,000 open idle instances cost scans, and nothing else', async () => {
    const store = make().open();
    const made = motionOn({ open: () => store });
    const all = await Promise.all(Array.from({ length: 1_000 }, (_, n) => made.instance(Journal, `i${n}`)));
    await Promise.all(all.slice(0, 50).map((journal) => journal.run('add', { word: 'x' }, { flushUpdates: true })));
    await sleep(600);
    store.forget();
    await sleep(2_000);
    expect(store.count('scan')).toBeGreaterThanOrEqual(1);
    expect(store.count('scan')).toBeLessThanOrEqual(5);
    expect([...store.calls.keys()]).toEqual(['scan']);
  }, 20_000);
});

test('an instance without updates to wait for is read with one get of one entry', async () => {
  const store = places[0]?.make().open();
  if (!store) throw new Error('no store');
  const journal = await motion({ store }).instance(Journal, 'a');
  store.forget();
  await journal.run('look');
  expect(store.gets).toEqual([{ partition: 'Journal/a', keys: ['root'] }]);
  expect(store.count('commit')).toBe(0);
});
