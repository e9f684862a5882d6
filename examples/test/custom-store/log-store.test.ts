import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Commit, StoreError } from '@motion-ts/core/store';
import { expect, test } from 'vitest';
import { LogStore } from '../../custom-store/log-store.js';
import { emptyDirectory, numberIn, start } from '../program.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
let ids = 0;
const put = (key: string, text: string): Commit => ({ id: `c${ids++}`, puts: [{ key, value: bytes(text) }] });

async function newLog(): Promise<string> {
  return join(await emptyDirectory(), 'deeper', 'motion.log');
}

async function keysOf(path: string): Promise<string[]> {
  const store = new LogStore({ path });
  const keys = (await store.list('p', { prefix: '', limit: 100 })).map(({ key }) => key);
  await store.close();
  return keys;
}

test('a record cut off anywhere is skipped by all, and what is appended behind it counts', async () => {
  const source = await newLog();
  const writer = new LogStore({ path: source });
  await writer.commit('p', put('torn', 'value'));
  await writer.close();
  const record = await readFile(source);
  for (let length = 1; length < record.length; length++) {
    const path = await newLog();
    const [before, after] = [new LogStore({ path }), new LogStore({ path })];
    await before.commit('p', put('a', '1'));
    await appendFile(path, record.subarray(0, length));
    expect((await after.get('p', ['a', 'torn'])).entries.map((entry) => entry?.key)).toEqual(['a', undefined]);
    await before.commit('p', put('b', '2'));
    expect((await after.get('p', ['b'])).entries[0]?.key).toBe('b');
    await Promise.all([before.close(), after.close()]);
    expect(await keysOf(path)).toEqual(['a', 'b']);
  }
});

test('a record on its way is seen once it is whole', async () => {
  const source = await newLog();
  const writer = new LogStore({ path: source });
  // Longer than what is read at once.
  await writer.commit('p', { id: 'long', puts: [{ key: 'long', value: new Uint8Array(writer.limits.valueBytes) }] });
  await writer.close();
  const record = await readFile(source);
  const path = await newLog();
  const reader = new LogStore({ path });
  expect((await reader.get('p', ['long'])).entries).toEqual([undefined]);
  for (let at = 0; at < record.length; at += 200_000) {
    expect((await reader.get('p', ['long'])).entries).toEqual([undefined]);
    await appendFile(path, record.subarray(at, at + 200_000));
  }
  expect((await reader.get('p', ['long'])).entries[0]?.value?.byteLength).toBe(reader.limits.valueBytes);
  await reader.close();
});

test('a whole record that cannot be read is corrupt, and is not skipped', async () => {
  const path = await newLog();
  const store = new LogStore({ path });
  await store.commit('p', put('a', '1'));
  await appendFile(path, '\n{"by":"x",\t');
  await expect(store.get('p', ['a'])).rejects.toSatisfy((error) => StoreError.is(error, 'corrupt'));
  await expect(store.commit('p', put('b', '2'))).rejects.toSatisfy((error) => StoreError.is(error));
  await store.close();
});

test('a place that cannot be opened is unavailable, and tried again', async () => {
  const directory = await emptyDirectory();
  await appendFile(join(directory, 'file'), '');
  const store = new LogStore({ path: join(directory, 'file', 'motion.log') });
  for (const call of [() => store.get('p', []), () => store.commit('p', put('a', '1'))])
    await expect(call()).rejects.toSatisfy((error) => StoreError.is(error, 'unavailable'));
  await store.close();
  expect(() => new LogStore({ path: '' })).toThrow("'path'");
});

test('the program counts the visits of two processes at once', async () => {
  const cwd = await emptyDirectory();
  const run = (visits: number) => start('custom-store', ['--visits', String(visits)], { cwd });
  const [one, two] = await Promise.all([run(60), run(70)]);
  expect([one.code, two.code, one.err, two.err]).toEqual([0, 0, '', '']);
  const last = await run(1);
  expect(numberIn(last.out, /(\d+) visits in all/)).toBe(131);
  expect(numberIn(last.out, /by (\d+) processes/)).toBe(3);
});
