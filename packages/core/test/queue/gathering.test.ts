import { Component, InitState, type Instance, Motion, type State, Update } from '@motion-ts/core';
import { MemoryStore } from '@motion-ts/memory';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeEnv } from '../support/fake-env.js';
import { RecordingStore } from '../support/recording-store.js';

class Counter extends Component<{ state: { count: number }; flows: { add: Record<never, never> } }> {
  @InitState() setup() {
    return { count: 0 };
  }
  @Update('add') add({ count }: State<Counter>) {
    return { count: count + 1 };
  }
}

/** A commit takes so many milliseconds of a time that passes when it is told to. */
let commitMs = 0;
let env: FakeEnv;
let motion: Motion;
let counter: Instance<Counter>;
/** When commits of the state began. */
let began: number[];

/** Lets time pass until a promise settles. */
async function passing<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const done = (): void => {
    settled = true;
  };
  promise.then(done, done);
  while (!settled) await env.advance(1);
  return promise;
}

beforeEach(async () => {
  env = new FakeEnv();
  began = [];
  const store = new RecordingStore(new MemoryStore());
  store.before = (method, _, commit) => {
    if (method !== 'commit') return undefined;
    if ((commit as { puts?: { key: string }[] }).puts?.some(({ key }) => key === 's/count')) began.push(env.time);
    return new Promise<void>((resolve) => env.timer(commitMs, resolve));
  };
  motion = new Motion({ store, env });
  counter = await passing(motion.instance(Counter, 'a'));
});

afterEach(() => passing(motion.close()));

/** Makes the holder sit here, with a last commit that took `ms`; then makes a call that nobody waits for. @returns when it was queued */
async function queuedAfter(ms: number): Promise<number> {
  commitMs = ms;
  await passing(counter.run('add', undefined, { flushUpdates: true }));
  began = [];
  await passing(counter.run('add'));
  return env.time;
}

describe('updates that nobody waits for', () => {
  test.each([
    { ms: 2, gathered: 32 },
    { ms: 5, gathered: 80 },
    // As long as they may at most.
    { ms: 20, gathered: 100 },
  ])('are gathered for $gathered ms where a commit takes $ms ms, and share one', async ({ ms, gathered }) => {
    const queued = await queuedAfter(ms);
    await passing(counter.run('add'));
    expect(began).toEqual([]);
    await env.advance(200);
    expect(began).toHaveLength(1);
    expect(Math.abs((began[0] as number) - queued - gathered)).toBeLessThanOrEqual(2);
    expect(await passing(counter.readState('count'))).toBe(3);
  });

  test('are committed at once when somebody waits', async () => {
    const queued = await queuedAfter(5);
    await env.advance(20);
    expect(began).toEqual([]);
    await passing(counter.flushUpdates());
    expect(began).toHaveLength(1);
    expect((began[0] as number) - queued).toBeLessThanOrEqual(22);
  });
});
