import { pause } from './crew.js';
import { type Fault, Load, type LoadOptions } from './load.js';
import type { FaultReport, StoreModule } from './options.js';
import type { TcpProxy } from './proxy.js';

/** Options of {@link disconnections}. */
export interface DisconnectionsOptions extends LoadOptions {
  /** Between the processes and the server: the argument of `store` leads through it. */
  readonly proxy: TcpProxy;
  /** The same store past the proxy. */
  readonly direct: StoreModule;
  /** Times that the connections are disturbed. Default: 60. */
  readonly cuts?: number;
  /** The `timeoutMs` of the store, as its argument says: some disturbances last longer. Default: 1,000. */
  readonly storeTimeoutMs?: number;
}

/** What can be done to connections; resolves when it is over. */
type Disturbance = (proxy: TcpProxy, ms: number) => void | Promise<void>;

const DISTURBANCES: Readonly<Record<string, Disturbance>> = {
  resets: (proxy) => proxy.cut('reset'),
  ends: (proxy) => proxy.cut('end'),
  refusals: (proxy, ms) => {
    proxy.refuse();
    proxy.cut();
    return pause(ms);
  },
  delays: (proxy, ms) => {
    proxy.delay(ms / 5);
    return pause(ms);
  },
  hangs: (proxy, ms) => {
    proxy.hang();
    return pause(ms);
  },
  holds: (proxy, ms) => {
    proxy.hold();
    return pause(ms);
  },
  mutes: (proxy, ms) => {
    proxy.mute();
    return pause(ms);
  },
  'replies dropped': async (proxy, ms) => {
    proxy.dropReplies(3);
    await pause(ms);
  },
  'replies cut short': async (proxy, ms) => {
    proxy.cutReplies(3);
    await pause(ms);
  },
};

/** Milliseconds that most disturbances last, and that the connections are left alone after each. */
const SHORT_MS = [5, 120] as const;
const PEACE_MS = [10, 120] as const;
/** How many of the disturbances outlast the store's timeout. */
const LONG = 0.05;

/** Disturbs the connections that lead through a proxy, at random. */
export class Disturbances implements Fault {
  private readonly proxy: TcpProxy;
  private readonly goal: number;
  private readonly longMs: number;
  private readonly counts: Record<string, number> = {};
  private done = 0;

  /** @param longMs milliseconds that the longest last */
  constructor(proxy: TcpProxy, goal: number, longMs: number) {
    this.proxy = proxy;
    this.goal = goal;
    this.longMs = longMs;
  }

  async run(load: Load): Promise<void> {
    const { random } = load;
    // Each kind comes about, however few there are in all.
    let left: string[] = [];
    while (load.goesOn(this.done, this.goal)) {
      if (left.length === 0) left = Object.keys(DISTURBANCES);
      const [kind = ''] = left.splice(random.int(0, left.length - 1), 1);
      const ms = random.chance(LONG) ? this.longMs : random.int(...SHORT_MS);
      await DISTURBANCES[kind]?.(this.proxy, ms);
      await this.proxy.restore();
      this.counts[kind] = (this.counts[kind] ?? 0) + 1;
      this.done++;
      await pause(random.int(...PEACE_MS));
    }
    await this.proxy.restore();
    load.shouldHave(this.done, this.goal, 'disturbances were done');
  }

  figures(): Record<string, number> {
    return { disturbances: this.done, ...this.counts, 'connections cut': this.proxy.cuts };
  }
}

/**
 * Callers and workers reach the store through a proxy, which cuts their connections, refuses and delays them, lets them
 * hang, delivers requests late, and loses answers of what the server carried out. Nothing may be lost, doubled or out of
 * order, and every call of a store must settle within its timeout and a second.
 *
 * @example
 * const proxy = await TcpProxy.start({ port });
 * const { problems } = await disconnections({
 *   proxy,
 *   store: { module, argument: { url: proxy.url(url), timeoutMs: 1_000 } },
 *   direct: { module, argument: { url } },
 * });
 */
export function disconnections(options: DisconnectionsOptions): Promise<FaultReport> {
  const { proxy, cuts = 60, storeTimeoutMs = 1_000 } = options;
  // Longer than a few round trips with a delay, so that leases are not lost at each disturbance.
  const ttlMs = options.ttlMs ?? 1_000;
  return new Load({ quietMs: ttlMs + 10_000, settleMs: storeTimeoutMs + 1_000, ...options, ttlMs }).run(
    'disconnections',
    [new Disturbances(proxy, cuts, storeTimeoutMs + 500)],
  );
}
