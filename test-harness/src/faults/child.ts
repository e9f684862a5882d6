import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Instance, Motion, MotionError } from '@motion-ts/core';
import type { Store } from '@motion-ts/core/store';
import { ALTERATIONS } from './alterations.js';
import { setWrongClock, trueNow } from './clock.js';
import { CrashingStore, Failpoint } from './failpoints.js';
import { type JournalHost, type JournalState, journalOf, LINE } from './journal.js';
import type { CallOptions, Command, Opening, Reply, Request, Seen, Step, Vitals } from './protocol.js';
import { Watched } from './watched.js';
import { Witness } from './witness.js';

/** The main module of a process under attack: a Motion on a store, which does what its parent asks. */

interface Handle extends Pick<Instance, 'deadLetters'> {
  run(flow: string, props: Step, options: object): Promise<unknown>;
}

function tell(reply: Reply): void {
  // After the parent's end nobody listens.
  if (process.connected) process.send?.(reply, () => {});
}

const textOf = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : String(error));

class Child {
  private readonly motion: Motion;
  private readonly journal: ReturnType<typeof journalOf>;
  private readonly handles = new Map<string, Promise<Handle>>();

  constructor(store: Store, opening: Opening, host: JournalHost) {
    this.journal = journalOf(opening.component);
    this.motion = new Motion({
      store,
      updates: opening.updates,
      lease: { ttlMs: opening.ttlMs },
      logger: { debug: () => {}, warn: () => {}, error: () => {} },
      onError: (error) => tell({ error: textOf(error) }),
    });
    this.motion.register(this.journal.Journal, () => this.journal.make(host) as never);
  }

  async perform(command: Exclude<Command, { do: 'wake' | 'vitals' }>): Promise<unknown> {
    const { instance } = command;
    switch (command.do) {
      case 'open':
        await this.open(instance, command.size);
        return undefined;
      case 'call':
        return this.call(instance, command.steps, command.options);
      case 'inspect':
        return this.inspect(instance);
      case 'serve':
        return this.serve(instance, command.ms);
      case 'letters':
        return (await (await this.open(instance)).deadLetters()).map(({ props }) => {
          const { line, n } = props as Step;
          return `${line}#${n}`;
        });
      case 'clear':
        this.handles.delete(instance);
        return this.motion.clear(this.journal.Journal, instance);
    }
  }

  close(): Promise<void> {
    return this.motion.close();
  }

  private open(instance: string, size = 0): Promise<Handle> {
    const known = this.handles.get(instance);
    if (known) return known;
    const opened = this.motion.instance(this.journal.Journal, instance, {
      init: { size },
    } as never) as unknown as Promise<Handle>;
    this.handles.set(instance, opened);
    opened.catch(() => this.handles.delete(instance));
    return opened;
  }

  /** @returns the calls that failed, with their errors */
  private async call(
    instance: string,
    steps: readonly Step[],
    { flow = 'note', flush = false, key }: CallOptions,
  ): Promise<Readonly<Record<number, string>>> {
    const failed: Record<number, string> = {};
    let handle: Handle;
    try {
      handle = await this.open(instance);
    } catch (error) {
      for (const { n } of steps) failed[n] = textOf(error);
      return failed;
    }
    const options = { flushUpdates: flush, ...(key !== undefined && { idempotencyKey: key }) };
    await Promise.all(
      steps.map(async (step) => {
        try {
          await handle.run(flow, step, options);
          tell({ acknowledged: { instance, line: step.line, n: step.n } });
        } catch (error) {
          failed[step.n] = textOf(error);
        }
      }),
    );
    return failed;
  }

  private async serve(instance: string, ms: number): Promise<number[]> {
    const handle = await this.open(instance);
    const times: number[] = [];
    const end = performance.now() + ms;
    while (performance.now() < end) {
      const started = performance.now();
      await handle.run('asked', undefined as never, {});
      times.push(performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return times;
  }

  private async inspect(instance: string): Promise<Seen> {
    try {
      const { state, queued, deadLetters, lease } = await this.motion.inspect(this.journal.Journal, instance);
      const { breaches, big, ...keys } = state as unknown as JournalState;
      const lines: Record<string, number> = {};
      for (const [key, last] of Object.entries(keys))
        if (key.startsWith(LINE)) lines[key.slice(LINE.length)] = last as number;
      return { gone: false, lines, breaches, big: big.length, queued, deadLetters, held: lease !== null };
    } catch (error) {
      if (!MotionError.is(error, 'INSTANCE_GONE')) throw error;
      return { gone: true, lines: {}, breaches: [], big: 0, queued: 0, deadLetters: 0, held: false };
    }
  }
}

const eventLoop = monitorEventLoopDelay({ resolution: 10 });

function vitals(watched: Watched | undefined): Vitals {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  const stallMs = eventLoop.max / 1e6;
  eventLoop.reset();
  return { stallMs, heapUsed, rss, commits: watched?.commits ?? 0 };
}

async function main(opening: Opening): Promise<void> {
  if (opening.clock) setWrongClock(opening.clock);
  const { open } = (await import(opening.store.module)) as { open: (argument: unknown) => Store | Promise<Store> };
  const failpoint = opening.failpoint && new Failpoint(opening.failpoint);
  const host: JournalHost = {
    reach: (point) => failpoint?.reach(point),
    runs: ({ line, n, hold }, { instanceId, epoch }) => {
      if (opening.tellRuns || hold !== undefined)
        tell({ inside: { instance: instanceId, line, n, epoch, at: trueNow() } });
    },
  };
  let watched: Watched | undefined;
  const start = async (): Promise<Child> => {
    let store = await open(opening.store.argument);
    // Below what is altered, so that a crash can come between two halves of what should be one.
    if (failpoint) store = new CrashingStore(store, failpoint);
    if (opening.alteration !== undefined) {
      const alter = ALTERATIONS[opening.alteration];
      if (!alter) throw new Error(`there is no alteration '${opening.alteration}'`);
      store = alter(store);
    }
    watched = new Watched(store, opening.settleMs, {
      counted: (counted) => tell({ counted }),
      wrong: (wrong) => tell({ wrong }),
    });
    return new Child(new Witness(watched, (root) => tell({ root })), opening, host);
  };
  let child = opening.asleep ? undefined : start();
  process.on('message', ({ ask, command }: Request) => {
    if (command.do === 'vitals') return tell({ answer: ask, value: vitals(watched) });
    child ??= start();
    child
      .then((awake) => (command.do === 'wake' ? undefined : awake.perform(command)))
      .then(
        (value) => tell({ answer: ask, value }),
        (error) => tell({ answer: ask, failed: textOf(error) }),
      );
  });
  let closing = false;
  process.on('SIGTERM', async () => {
    closing = true;
    await (await child)?.close();
    // A graceful stop: with the Motion closed and the parent let go, nothing may keep the process.
    process.disconnect();
  });
  process.on('disconnect', () => {
    // Without its parent it has nothing to do.
    if (!closing) process.exit();
  });
  await child;
  eventLoop.enable();
  tell({ ready: true });
}

await main(JSON.parse(process.argv[2] ?? '') as Opening);
