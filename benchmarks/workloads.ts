import type { Counter, Subject, Units } from './subject.js';

/** What one run of a workload found. */
export interface Measured {
  /** Flows per second; some workloads have two rates, and those that measure something else say what. */
  readonly figures: readonly number[];
  /** Requests to the server for each flow, where there is one. */
  readonly requests?: number;
  /** And what they cost. */
  readonly units?: Units;
}

/** How often things are called. A slow store gets by with a tenth. */
export interface Scale {
  /** Calls before the clock starts: a server runs for days, compilers need a while. */
  readonly warmUp: number;
  of(flows: number): number;
}

/** One workload. A run that ends with a wrong count is an error, not a number. */
export interface Workload {
  readonly what: string;
  run(subject: Subject, scale: Scale): Promise<Measured>;
  /** How its figures are shown. Default: flows per second. */
  readonly show?: (figures: readonly number[]) => string;
  /** Only the library does it: there is nothing to hold it against. */
  readonly alone?: true;
}

const MIB = 1 << 20;
export const WARM_UP = 10_000;

export const scaleOf = (slow: boolean): Scale =>
  slow ? { warmUp: WARM_UP / 20, of: (flows) => flows / 10 } : { warmUp: WARM_UP, of: (flows) => flows };

async function warmUp(counter: Counter, calls: number): Promise<void> {
  for (let n = 0; n < calls; n++) await counter.call(n % 4 === 0);
  await counter.flush();
}

function since(start: number): number {
  return (performance.now() - start) / 1_000;
}

async function assertCount(counter: Counter, expected: number): Promise<void> {
  const count = await counter.count();
  if (count !== expected) throw new Error(`the stored count is ${count} and not ${expected}: not a valid run`);
}

/** Does something, and counts the requests that it took. */
async function counting(subject: Subject, flows: number, work: () => Promise<readonly number[]>): Promise<Measured> {
  const before = subject.requests?.();
  const spent = subject.units?.();
  const figures = await work();
  const units = subject.units?.();
  return {
    figures,
    ...(before !== undefined && { requests: ((subject.requests?.() as number) - before) / flows }),
    ...(spent &&
      units && { units: { read: (units.read - spent.read) / flows, write: (units.write - spent.write) / flows } }),
  };
}

/** Many instances at once, the flows of each in sequence: seconds until all are queued, and until all are done. */
async function burst(subject: Subject, name: string, instances: number, each: number): Promise<Measured> {
  const counters = await Promise.all(Array.from({ length: instances }, (_, n) => subject.open(`${name}-${n}`, 0)));
  const flows = instances * each;
  const measured = await counting(subject, flows, async () => {
    const start = performance.now();
    await Promise.all(
      counters.map(async (counter) => {
        for (let n = 0; n < each; n++) await counter.call(false);
      }),
    );
    const queued = since(start);
    await Promise.all(counters.map((counter) => counter.flush()));
    return [flows / queued, flows / since(start)];
  });
  for (const counter of counters) await assertCount(counter, each);
  return measured;
}

const waiting = (most: number, bytes: number, what: string): Workload => ({
  what,
  async run(subject, scale) {
    const flows = scale.of(most);
    const counter = await subject.open('one', bytes);
    await warmUp(counter, scale.warmUp);
    const measured = await counting(subject, flows, async () => {
      const start = performance.now();
      for (let n = 0; n < flows; n++) await counter.call(true);
      return [flows / since(start)];
    });
    await assertCount(counter, flows + scale.warmUp);
    return measured;
  },
});

export const workloads: Readonly<Record<string, Workload>> = {
  W1: {
    what: 'serve only, in sequence',
    async run(subject, scale) {
      const flows = scale.of(30_000);
      const counter = await subject.open('one', 0);
      for (let n = 0; n < scale.warmUp; n++) await counter.serve();
      return counting(subject, flows, async () => {
        const start = performance.now();
        for (let n = 0; n < flows; n++)
          if ((await counter.serve()) !== 1) throw new Error('a serve gave a wrong answer');
        return [flows / since(start)];
      });
    },
  },
  W2: {
    what: 'serve and update in sequence, then flush',
    async run(subject, scale) {
      const flows = scale.of(2_000);
      const counter = await subject.open('one', 0);
      await warmUp(counter, scale.warmUp);
      const measured = await counting(subject, flows, async () => {
        const start = performance.now();
        for (let n = 0; n < flows; n++) await counter.call(false);
        await counter.flush();
        return [flows / since(start)];
      });
      await assertCount(counter, flows + scale.warmUp);
      return measured;
    },
  },
  W3: waiting(1_000, 0, 'serve and update, each waits for its commit'),
  W4: {
    what: '200 instances x 20 flows: queued / flushed',
    async run(subject, scale) {
      const instances = 200;
      const each = 20;
      for (let n = 0; n < scale.warmUp / (instances * each); n++) await burst(subject, `warm-${n}`, instances, each);
      return burst(subject, 'instance', instances, each);
    },
  },
  W5a: waiting(1_000, MIB, 'W3 beside 1 MiB that the update does not touch'),
  W5b: waiting(1_000, 10 * MIB, 'W3 beside 10 MiB that the update does not touch'),
};
