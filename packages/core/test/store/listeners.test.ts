import { Listeners } from '@motion-ts/core/store';
import { expect, test } from 'vitest';

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('all are told in a turn of their own, and once of a partition that changed twice', async () => {
  const listeners = new Listeners();
  const told: string[] = [];
  listeners.add((partition) => told.push(`a ${partition}`));
  listeners.add((partition) => told.push(`b ${partition}`));
  for (const partition of ['p', 'q', 'p', undefined]) listeners.tell(partition);
  expect(told).toEqual([]);
  await soon();
  expect(told).toEqual(['a p', 'a q', 'a undefined', 'b p', 'b q', 'b undefined']);
  listeners.tell('p');
  await soon();
  expect(told.slice(6)).toEqual(['a p', 'b p']);
});

test('one function may listen twice; each end ends one, and the last is told of', async () => {
  const listeners = new Listeners();
  let told = 0;
  let ended = 0;
  const listener = (): void => void told++;
  const ends = [listeners.add(listener, () => ended++), listeners.add(listener, () => ended++)];
  for (const [left, end] of [
    [1, ends[0]],
    [1, ends[0]],
    [0, ends[1]],
    [0, ends[1]],
  ] as const) {
    end?.();
    expect(listeners.size).toBe(left);
  }
  expect(ended).toBe(1);
  listeners.tell('p');
  await soon();
  expect(told).toBe(0);
});

test('who stopped before their turn are not told', async () => {
  const listeners = new Listeners();
  const told: string[] = [];
  const end = listeners.add(() => told.push('stopped'));
  listeners.add(() => told.push('cleared'));
  listeners.tell('p');
  end();
  listeners.clear();
  await soon();
  expect(told).toEqual([]);
});

test('one that stops hears no more of the same turn, and one that begins again is not told at once', async () => {
  const listeners = new Listeners();
  const told: string[] = [];
  let end = listeners.add(again);
  function again(partition: string | undefined): void {
    told.push(`${partition}`);
    end();
    end = listeners.add(again);
  }
  listeners.tell('p');
  listeners.tell('q');
  await soon();
  expect(told).toEqual(['p']);
  listeners.tell('r');
  await soon();
  expect(told).toEqual(['p', 'r']);
});

test('one that throws keeps nobody from being told, and is an unhandled rejection', async () => {
  const listeners = new Listeners();
  const told: unknown[] = [];
  const before = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  const unhandled = new Promise((resolve) => process.once('unhandledRejection', resolve));
  try {
    listeners.add(() => {
      throw new Error('of a listener');
    });
    listeners.add((partition) => told.push(partition));
    listeners.tell('p');
    expect(await unhandled).toMatchObject({ message: 'of a listener' });
    expect(told).toEqual(['p']);
  } finally {
    for (const listener of before) process.on('unhandledRejection', listener);
  }
});
