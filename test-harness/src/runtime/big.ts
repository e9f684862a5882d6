import assert from 'node:assert/strict';
import { Component, remove, type State, Update } from '@motion-ts/core';
import type { Store } from '@motion-ts/core/store';
import { entriesOf, eventually, words } from './checks.js';
import { decorate, openJournal } from './journal.js';
import { Metered } from './lines.js';
import type { Group } from './suite.js';

const MiB = 2 ** 20;
/** A change of a small key costs no more than this, however big the others are. */
const SMALL = 64 * 1024;

/** Its state is as big as one asks. */
class Archive extends Component<{
  state: { [key: string]: unknown };
  flows: { fill: { props: { key: string; bytes: number } }; set: { props: { key: string; value: unknown } } };
}> {
  fill(_: unknown, { key, bytes }: { key: string; bytes: number }): object {
    return { [key]: pattern(bytes, key) };
  }
  set(_: State<Archive>, { key, value }: { key: string; value: unknown }): object {
    return { [key]: value === null ? remove : value };
  }
}
decorate(Archive, { fill: Update('fill'), set: Update('set') });

/** Bytes that tell if a part of them is missing, doubled or another's. */
function pattern(bytes: number, key: string): Uint8Array {
  const words = new Uint32Array(bytes / 4);
  const salt = [...key].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7);
  for (let n = 0; n < words.length; n++) words[n] = Math.imul(n + salt, 2_654_435_761);
  return new Uint8Array(words.buffer);
}

function assertIs(value: unknown, bytes: number, key: string): void {
  const expected = pattern(bytes, key);
  assert.ok(value instanceof Uint8Array && Buffer.compare(value, expected) === 0, `the value of '${key}' is another`);
}

/** Bytes that a component's only instance takes. */
async function bytesStored(store: Store, component: string): Promise<number> {
  const { partitions } = await store.scan({ prefix: `${component}/` });
  let bytes = 0;
  for (const partition of partitions)
    for (const { value } of await entriesOf(store, partition)) bytes += value.byteLength;
  return bytes;
}

function metered(): { meter: () => Metered; through: (store: Store) => Store } {
  let meter: Metered | undefined;
  return {
    meter: () => meter as Metered,
    through: (store) => (meter = new Metered(store)),
  };
}

export const big: Group = (add) => {
  add('a value of 5 MiB is kept; a change of another key neither writes nor reads it again', async (place) => {
    const { meter, through } = metered();
    const archive = await (await place.motion({ through })).instance(Archive, 'a');
    await archive.run('fill', { key: 'big', bytes: 5 * MiB }, { flushUpdates: true });
    const reading = metered();
    const reader = await (await place.motion({ updates: 'off', through: reading.through })).instance(Archive, 'a');
    assertIs(await reader.readState('big'), 5 * MiB, 'big');
    const [written, read] = [meter().bytesWritten, reading.meter().bytesRead];
    for (const word of words(5)) {
      await archive.run('set', { key: 'small', value: word }, { flushUpdates: true });
      assert.equal(await reader.readState('small'), word);
    }
    assert.ok(meter().bytesWritten - written < SMALL, `a small change wrote ${meter().bytesWritten - written} bytes`);
    assert.ok(
      reading.meter().bytesRead - read < SMALL,
      `a small change read ${reading.meter().bytesRead - read} bytes`,
    );
    assertIs(await reader.readState('big'), 5 * MiB, 'big');
  });

  add('a state of 20 MiB is kept, opened elsewhere, and given back piece by piece', async (place) => {
    const archive = await (await place.motion()).instance(Archive, 'a');
    const keys = ['a', 'b', 'c', 'd'];
    for (const key of keys) await archive.run('fill', { key, bytes: 5 * MiB });
    await archive.flushUpdates();
    const { journal } = await openJournal(place);
    assert.equal(await journal.version(), 1);
    const other = await (await place.motion()).instance(Archive, 'a');
    const whole = await other.readState();
    for (const key of keys) assertIs(whole[key], 5 * MiB, key);
    await other.run('set', { key: 'a', value: 'small' });
    for (const key of ['b', 'c']) await other.run('set', { key, value: null });
    await other.run('fill', { key: 'd', bytes: MiB }, { flushUpdates: true });
    const left = await archive.readState();
    assert.deepEqual(Object.keys(left).sort(), ['a', 'd']);
    assert.equal(left['a'], 'small');
    assertIs(left['d'], MiB, 'd');
    const store = await place.store();
    await eventually('what nobody refers to is gone', async () => (await bytesStored(store, 'Archive')) < 2 * MiB);
  });

  add('props and results of many MiB go through the queue', async (place) => {
    const off = await (await place.motion({ updates: 'off' })).instance(Archive, 'a');
    for (const key of ['a', 'b']) await off.run('set', { key, value: pattern(3 * MiB, key) });
    (await place.motion()).register(Archive);
    await off.flushUpdates();
    for (const key of ['a', 'b']) assertIs(await off.readState(key), 3 * MiB, key);
    await off.writeState({ a: pattern(2 * MiB, 'c') });
    assertIs(await off.readState('a'), 2 * MiB, 'c');
  });
};
