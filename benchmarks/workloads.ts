import type { Counter, Subject } from './subject.js';

/** One workload: the work, and how many flows it is. A run that ends with a wrong count is an error, not a number. */
export interface Workload {
  readonly what: string;
  /** @returns flows per second; some workloads have two rates */
  run(subject: Subject): Promise<readonly number[]>;
}

const MIB = 1 << 20;
/** Calls before the clock starts, for every subject: a server runs for days, compilers need a while. */
export const WARM_UP = 10_000;

async function warmUp(counter: Counter): Promise<void> {
  for (let n = 0; n < WARM_UP; n++) await counter.call(n % 4 === 0);
  await counter.flush();
}

function since(start: number): number {
  return (performance.now() - start) / 1_000;
}

async function assertCount(counter: Counter, expected: number): Promise<void> {
  const count = await counter.count();
  if (count !== expected) throw new Error(`the stored count is ${count} and not ${expected}: not a valid run`);
}

/** Many instances at once, the flows of each in sequence. @returns seconds until all are queued, and until all are done */
async function burst(
  subject: Subject,
  name: string,
  instances: number,
  each: number,
): Promise<{ queued: number; flushed: number }> {
  const counters = await Promise.all(Array.from({ length: instances }, (_, n) => subject.open(`${name}-${n}`, 0)));
  const start = performance.now();
  await Promise.all(
    counters.map(async (counter) => {
      for (let n = 0; n < each; n++) await counter.call(false);
    }),
  );
  const queued = since(start);
  await Promise.all(counters.map((counter) => counter.flush()));
  const flushed = since(start);
  for (const counter of counters) await assertCount(counter, each);
  return { queued, flushed };
}

const waiting = (flows: number, bytes: number, what: string): Workload => ({
  what,
  async run(subject) {
    const counter = await subject.open('one', bytes);
    await warmUp(counter);
    const start = performance.now();
    for (let n = 0; n < flows; n++) await counter.call(true);
    const seconds = since(start);
    await assertCount(counter, flows + WARM_UP);
    return [flows / seconds];
  },
});

export const workloads: Readonly<Record<string, Workload>> = {
  W1: {
    what: 'serve only, in sequence',
    async run(subject) {
      const flows = 30_000;
      const counter = await subject.open('one', 0);
      for (let n = 0; n < WARM_UP; n++) await counter.serve();
      const start = performance.now();
      for (let n = 0; n < flows; n++) if ((await counter.serve()) !== 1) throw new Error('a serve gave a wrong answer');
      return [flows / since(start)];
    },
  },
  W2: {
    what: 'serve and update in sequence, then flush',
    async run(subject) {
      const flows = 2_000;
      const counter = await subject.open('one', 0);
      await warmUp(counter);
      const start = performance.now();
      for (let n = 0; n < flows; n++) await counter.call(false);
      await counter.flush();
      const seconds = since(start);
      await assertCount(counter, flows + WARM_UP);
      return [flows / seconds];
    },
  },
  W3: waiting(1_000, 0, 'serve and update, each waits for its commit'),
  W4: {
    what: '200 instances x 20 flows: queued / flushed',
    async run(subject) {
      const instances = 200;
      const each = 20;
      for (let n = 0; n < WARM_UP / (instances * each); n++) await burst(subject, `warm-${n}`, instances, each);
      const { queued, flushed } = await burst(subject, 'instance', instances, each);
      return [(instances * each) / queued, (instances * each) / flushed];
    },
  },
  W5a: waiting(1_000, MIB, 'W3 beside 1 MiB that the update does not touch'),
  W5b: waiting(1_000, 10 * MIB, 'W3 beside 10 MiB that the update does not touch'),
};
