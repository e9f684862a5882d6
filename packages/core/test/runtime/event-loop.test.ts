import { Component, InitState, Serve, Update } from '@motion-ts/core';
import { expect, test } from 'vitest';
import { motion } from './fixtures.js';

class Counter extends Component<{ state: { n: number }; flows: { add: { result: number } } }> {
  @InitState() setup() {
    return { n: 0 };
  }
  @Serve('add') next(state: { readonly n: number }) {
    return state.n + 1;
  }
  @Update('add') add(state: { readonly n: number }) {
    return { n: state.n + 1 };
  }
}

test.each([
  ['run', { flushUpdates: false }],
  ['run and flush', { flushUpdates: true }],
])('a plain loop of %s leaves the event loop its turns, also on a store that never waits', async (_, options) => {
  const counter = await motion().instance(Counter, 'one');
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  const until = performance.now() + 1_000;
  while (performance.now() < until) await counter.run('add', undefined, options);
  clearInterval(timer);
  expect(turns).toBeGreaterThan(3);
});
