import { Component, InitState, Update, type UpdateContext } from '@motion-ts/core';
import { expect, test } from 'vitest';
import { motion } from './fixtures.js';

class Busy extends Component<{ state: { n: number }; flows: { compute: { props: { ms: number } } } }> {
  signals: AbortSignal[] = [];

  @InitState() setup() {
    return { n: 0 };
  }
  @Update('compute') async compute(state: { readonly n: number }, props: { ms: number }, ctx: UpdateContext) {
    this.signals.push(ctx.signal, ctx.signal);
    await Promise.resolve();
    const until = performance.now() + props.ms;
    while (performance.now() < until);
    // The event loop turns once more before the update ends: the late timer is heard of.
    await new Promise((resolve) => setTimeout(resolve, 20));
    return { n: state.n + 1 };
  }
}

test('a computation that blocks the process for long is told of, by instance and duration', async () => {
  const warnings: string[] = [];
  const logger = { debug: () => undefined, error: () => undefined, warn: (message: string) => warnings.push(message) };
  const component = new Busy();
  const made = motion({ lease: { ttlMs: 300 }, logger }).register(Busy, () => component);
  const busy = await made.instance(Busy, 'one');
  await busy.run('compute', { ms: 280 }, { flushUpdates: true });
  expect(warnings.some((message) => /^Busy\/one: the process was blocked for \d+ ms/.test(message))).toBe(true);
  expect(await busy.readState('n')).toBe(1);
  // One signal a call, however often it is asked for.
  expect(component.signals[0]).toBe(component.signals[1]);
});
