import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setTimeout as realSleep } from 'node:timers/promises';
import type { State, UpdateProps } from '@motion-ts/core';
import { SimulationFailed, type SimulationOptions, simulate } from '@motion-ts/test-harness/simulation';
import { describe, expect, test } from 'vitest';
import { ForgetfulShop, HastyShop, type Mail, PoliteShop, PushyShop, Shop } from './shop.js';

type ShopClass = typeof Shop;

/** Sells under faults, and counts what was sold. */
function selling(shop: ShopClass, options: Partial<SimulationOptions<Mail>> = {}): SimulationOptions<Mail> {
  return {
    seeds: 60,
    outside: () => ({ letters: [] }),
    components: [[shop, ({ outside }) => new shop(outside)]],
    async scenario({ open, random, caller, sleep }) {
      const instance = await open(shop, 'corner');
      for (let n = 0; n < 12; n++) {
        const order = `order ${caller}.${n}`;
        const flow = random.pick(['sell', 'reserve'] as const);
        await instance.run(flow, { order }, { flushUpdates: random.chance(0.5) });
        await sleep(random.int(0, 300));
      }
    },
    async check({ state, calls, acknowledged }) {
      const { sold = [], stock = 1_000 } = (await state(shop, 'corner')) ?? {};
      assert.equal(stock, 1_000 - sold.length, 'every sale takes one from the stock');
      assert.equal(new Set(sold).size, sold.length, 'no order is sold twice');
      for (const { props } of acknowledged)
        assert.ok(sold.includes(String(props['order'])), `${props['order']} is lost`);
      const refused = calls.filter(({ outcome }) => outcome === 'refused');
      for (const { props } of refused) assert.ok(!sold.includes(String(props['order'])), `${props['order']} is sold`);
    },
    ...options,
  };
}

async function failureOf<Outside>(options: SimulationOptions<Outside>): Promise<SimulationFailed> {
  try {
    await simulate(options);
  } catch (error) {
    if (error instanceof SimulationFailed) return error;
    throw error;
  }
  throw new Error('no seed failed');
}

describe('components of others, simulated', () => {
  test.each([false, true])('pass if they are right, with rollbacks: %s', { timeout: 60_000 }, async (rollback) => {
    const { seeds, counts, seconds } = await simulate(selling(Shop, { rollback }));
    console.log(`${seeds} seeds in ${seconds.toFixed(1)} s`, counts);
    expect(seeds).toBe(60);
    // What never happened was not tested.
    for (const what of ['kills', 'pauses', 'takeovers', 'ranAgain', 'unknownButApplied', 'acknowledged', 'checks'])
      expect(counts[what], what).toBeGreaterThan(what === 'checks' || what === 'acknowledged' ? 40 : 10);
    if (rollback) expect(counts['rollbacks']).toBeGreaterThan(60);
  });

  const once: SimulationOptions<Mail>['check'] = ({ outside }) => {
    assert.equal(new Set(outside.letters).size, outside.letters.length, 'nobody gets a letter twice');
  };

  test('that have an effect elsewhere as often as an update runs are found out', async () => {
    const options = selling(PushyShop, { check: once, seeds: 300 });
    const { seed, message, problems, takes } = await failureOf(options);
    console.log(message);
    expect(message).toContain('nobody gets a letter twice');
    expect(message).toContain(`seeds: [${seed}, 1], trace: console.log`);
    expect(takes.length).toBeGreaterThan(0);
    expect(message).not.toContain('seed-run.ts');
    expect(message).toContain('own.test.ts');
    // The options that it names play the very same again.
    const lines: string[] = [];
    const again = await failureOf({ ...options, seeds: [seed, 1], trace: (line) => lines.push(line) });
    expect(again.problems).toEqual(problems);
    expect(lines.some((line) => line.includes('PROBLEM'))).toBe(true);
    expect(lines.some((line) => line.includes('PushyShop/corner'))).toBe(true);
    const less = /add (.*)$/m.exec(message)?.[1];
    if (less !== undefined) {
      const fewer = new Function(`return { ${less} }`)() as Partial<SimulationOptions<Mail>>;
      expect((await failureOf({ ...options, seeds: [seed, 1], ...fewer })).message).toContain('a letter twice');
    }
    // And with an id to tell repetitions by, all is well.
    await simulate(selling(PoliteShop, { check: once, seeds: [seed, 20] }));
  });

  test('that keep on themselves what belongs into the state are found out', async () => {
    expect((await failureOf(selling(ForgetfulShop, { seeds: 300 }))).message).toContain('takes one from the stock');
  });

  test('that take what the serve saw for what is so when the update runs are found out', async () => {
    expect((await failureOf(selling(HastyShop, { seeds: 300 }))).message).toContain('takes one from the stock');
  });

  test('live in simulated time: an hour takes no time', async () => {
    const HOUR = 3_600_000;
    class SleepyShop extends Shop {
      static override readonly componentName = 'SleepyShop';
      override async sell(state: State<Shop>, { order }: UpdateProps<Shop, 'sell'>) {
        const before = [Date.now(), Date.parse(new Date().toISOString()), performance.now()] as const;
        await new Promise((resolve) => setTimeout(resolve, HOUR));
        const after = [Date.now(), Date.parse(new Date().toISOString()), performance.now()] as const;
        for (const [n, then] of before.entries()) assert.ok((after[n] as number) - then >= HOUR - 1);
        let ticks = 0;
        await new Promise<void>((resolve) => {
          const interval = setInterval(() => {
            if (++ticks < 3) return;
            clearInterval(interval);
            resolve();
          }, 10);
        });
        await new Promise((resolve) => setImmediate(resolve));
        const never = setTimeout(() => assert.fail('was cleared'), 5);
        clearTimeout(never);
        return { sold: [...state.sold, order, crypto.randomUUID(), String(Math.random())], stock: state.stock - 1 };
      }
    }
    const started = performance.now();
    const { counts } = await simulate<Mail>({
      ...selling(SleepyShop),
      seeds: 2,
      quietMs: 20 * HOUR,
      motion: { lease: { ttlMs: 60_000 } },
      without: ['kills', 'closes', 'pauses', 'skew', 'loss', 'slow', 'refusals'],
      async scenario({ open, now }) {
        const shop = await open(SleepyShop, 'corner');
        const before = now();
        await shop.run('sell', { order: 'x' }, { flushUpdates: true });
        assert.ok(now() - before >= HOUR);
      },
      async check({ state }) {
        assert.equal((await state(SleepyShop, 'corner'))?.sold[0], 'x');
      },
    });
    expect(counts['checks']).toBe(2);
    expect(performance.now() - started).toBeLessThan(60_000);
  }, 90_000);

  test.each<[what: string, work: () => Promise<unknown>, expected: RegExp]>([
    ['read files', () => readFile(import.meta.filename), /update 'sell' of RealShop\/corner uses a file/],
    ['use real timers', () => realSleep(1), /update 'sell' of RealShop\/corner uses a real timer/],
    [
      'reach for the network',
      () => fetch('http://127.0.0.1:45999/'),
      /update 'sell' of RealShop\/corner uses a network connection/,
    ],
    [
      'never return',
      () => new Promise(() => undefined),
      /update 'sell' of RealShop\/corner in P\d+ has not returned for/,
    ],
  ])('are told when they %s', async (_, work, expected) => {
    class RealShop extends Shop {
      static override readonly componentName = 'RealShop';
      override async sell(state: State<Shop>, { order }: UpdateProps<Shop, 'sell'>) {
        await work().catch(() => undefined);
        return { sold: [...state.sold, order], stock: state.stock - 1 };
      }
    }
    const { message } = await failureOf(selling(RealShop, { seeds: 3 }));
    expect(message).toMatch(expected);
  });

  test('are told when a seed cannot be repeated', async () => {
    let calls = 0;
    const { message } = await failureOf({
      ...selling(Shop),
      async scenario({ open }) {
        const shop = await open(Shop, 'corner');
        for (let n = 0; n <= calls++ % 7; n++) await shop.run('sell', { order: `${calls}` }, { flushUpdates: true });
      },
      check: () => undefined,
    });
    expect(message).toContain('the same seed went another way the second time');
  });

  test('are told of errors of the scenario, and of options that make no sense', async () => {
    const scenario = async (): Promise<void> => {
      throw new RangeError('my own mistake');
    };
    expect((await failureOf(selling(Shop, { scenario }))).message).toContain('my own mistake');
    await expect(simulate(selling(Shop, { seeds: 0 }))).rejects.toThrow(/seeds must be/);
    await expect(simulate(selling(Shop, { without: ['killing' as 'kills'] }))).rejects.toThrow(/no trouble called/);
  });

  test('leave the real clock to everybody else', async () => {
    const { setTimeout: before, Date: date } = globalThis;
    const running = simulate(selling(Shop, { seeds: 3 }));
    const started = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(Math.abs(Date.now() - started)).toBeLessThan(60_000);
    await running;
    expect(globalThis.setTimeout).toBe(before);
    expect(globalThis.Date).toBe(date);
  });
});
