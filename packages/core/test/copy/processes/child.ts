import { Component, copyInstances, InitState, Motion, type State, Update, type UpdateProps } from '@motion-ts/core';
import { SqliteStore } from '@motion-ts/sqlite';

/** What a child is told to do, as its one argument. */
export type Order =
  | { readonly does: 'copy'; readonly from: string; readonly to: string }
  /** Calls on instances `i0` to `i<instances - 1>` for ever, or so many times; makes them with `makes`. */
  | {
      readonly does: 'call';
      readonly path: string;
      readonly name: string;
      readonly instances: number;
      readonly calls?: number;
      readonly makes?: boolean;
    };

/** What a child tells, a line each. */
export type Told =
  | { readonly done: number }
  | { readonly copied: number; readonly already: number; readonly problems: number }
  /** Told before a call and after it: what was told before may have counted, what was told after has. */
  | { readonly calls: string; readonly instance: string }
  | { readonly called: string; readonly instance: string }
  | { readonly failed: string; readonly instance: string; readonly code: string };

/** Counts how often each call took effect. */
export class Counter extends Component<{
  state: { seen: Record<string, number>; order: string[]; pad: string };
  flows: { count: { props: { key: string } } };
}> {
  @InitState() setup() {
    return { seen: {}, order: [], pad: 'x'.repeat(300_000) };
  }
  @Update('count') count(state: State<Counter>, { key }: UpdateProps<Counter, 'count'>) {
    return { seen: { ...state.seen, [key]: (state.seen[key] ?? 0) + 1 }, order: [...state.order, key] };
  }
}

const tell = (told: Told): void => void process.stdout.write(`${JSON.stringify(told)}\n`);
const open = (path: string): SqliteStore => new SqliteStore({ path, synchronous: 'NORMAL' });

async function copy(from: SqliteStore, to: SqliteStore): Promise<void> {
  const { copied, already, problems } = await copyInstances(from, to, {
    components: [Counter],
    concurrency: 2,
    onProgress: ({ done }) => tell({ done }),
  });
  tell({ copied, already, problems: problems.length });
  await Promise.all([from.close(), to.close()]);
}

async function call({ path, name, instances, calls = Infinity, makes }: Order & { does: 'call' }): Promise<void> {
  const silent = { debug: () => undefined, warn: () => undefined, error: () => undefined };
  const motion = new Motion({ store: open(path), lease: { ttlMs: 500 }, logger: silent });
  for (let n = 0; n < calls; n++) {
    const instance = `i${n % instances}`;
    const key = `${name}-${n}`;
    try {
      const counter = await motion.instance(Counter, instance, makes ? {} : { existing: true });
      tell({ calls: key, instance });
      await counter.run('count', { key }, { idempotencyKey: key, flushUpdates: n % 5 === 0 });
      tell({ called: key, instance });
      await counter.close();
    } catch (error) {
      tell({ failed: key, instance, code: String((error as { code?: string }).code) });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  await motion.close();
}

if (process.argv[2]?.startsWith('{')) {
  const order = JSON.parse(process.argv[2]) as Order;
  await (order.does === 'copy' ? copy(open(order.from), open(order.to)) : call(order));
}
