import { Component, InitState, Motion, Serve, Update } from '@motion-ts/core';
import { expect, inject, test } from 'vitest';
import { fresh, open } from './stores.js';

const MIB = 2 ** 20;

interface State {
  readonly count: number;
  readonly [blob: `blob${number}`]: Uint8Array;
}

class Hoard extends Component {
  static readonly componentName = 'Hoard';

  setup(): State {
    const state: Record<string, unknown> = { count: 0 };
    for (let i = 0; i < 4; i++) state[`blob${i}`] = new Uint8Array(5 * MIB).fill(i + 1);
    return state as unknown as State;
  }

  look(state: State): number {
    return state.count;
  }

  add(state: State): Partial<State> {
    return { count: state.count + 1 };
  }
}

const decorate = (name: 'setup' | 'look' | 'add', decorator: unknown): void =>
  (decorator as (prototype: object, name: string, descriptor: PropertyDescriptor) => void)(
    Hoard.prototype,
    name,
    Object.getOwnPropertyDescriptor(Hoard.prototype, name) as PropertyDescriptor,
  );
decorate('setup', InitState());
decorate('look', Serve('add'));
decorate('add', Update('add'));

test('a state of 20 MiB, in keys of 5 MiB, is made, changed, and read by another client', async () => {
  const options = { url: inject('serverUrl'), namespace: fresh('n'), timeoutMs: 20_000 };
  {
    await using motion = new Motion({ store: open(options) });
    const hoard = await motion.instance(Hoard, 'h');
    for (let n = 0; n < 5; n++) await hoard.run('add', undefined, { flushUpdates: true });
  }
  await using motion = new Motion({ store: open(options) });
  const hoard = await motion.instance(Hoard, 'h');
  expect(await hoard.readState('count')).toBe(5);
  const state = (await hoard.readState()) as unknown as Record<string, Uint8Array>;
  for (let i = 0; i < 4; i++) {
    const blob = state[`blob${i}`] as Uint8Array;
    expect(blob.byteLength).toBe(5 * MIB);
    expect(blob.every((byte) => byte === i + 1)).toBe(true);
  }
}, 60_000);
