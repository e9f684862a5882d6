import type { Runner } from '../conformance/index.js';
import { backlog } from './backlog.js';
import { chaos } from './chaos.js';
import { clocks } from './clocks.js';
import { crashAtFailpoints } from './crash.js';
import { disconnections } from './disconnections.js';
import { FAILPOINTS } from './failpoints.js';
import { keyedCalls } from './keyed-calls.js';
import { servesDuringUpdate } from './long-update.js';
import type { FaultOptions, FaultReport, StoreModule } from './options.js';
import { poison } from './poison.js';
import { TcpProxy } from './proxy.js';
import { recoveries } from './recoveries.js';
import { type Restartable, restarts } from './restarts.js';
import { rollingStops } from './rolling-stops.js';
import { soak } from './soak.js';

/** How much of each attack; 0: none of it. */
export interface AttackSizes {
  /** Processes killed, and calls acknowledged meanwhile. */
  readonly kills: number;
  readonly updates: number;
  /** Processes stopped inside an update. */
  readonly stops: number;
  /** Disturbances of the connections. */
  readonly cuts: number;
  /** Kills of the server. */
  readonly restarts: number;
  /** Processes killed whose clocks are wrong. */
  readonly clocks: number;
  readonly failpoints: readonly string[];
  /** Idempotency keys. */
  readonly keys: number;
  /** Good updates around one that kills its process. */
  readonly poison: number;
  readonly rollingStops: number;
  readonly recoveries: number;
  /** Updates queued before anybody runs them, and idle instances. */
  readonly backlog: number;
  readonly instances: number;
  /** Milliseconds of an update during which there are serves. */
  readonly longUpdateMs: number;
  readonly soakSeconds: number;
}

/** What runs on every change: what moves an instance on, and what only a server can suffer. */
const SMALL: AttackSizes = {
  kills: 20,
  updates: 300,
  stops: 4,
  cuts: 60,
  restarts: 10,
  clocks: 3,
  failpoints: ['after append', 'after take', 'before drain commit', 'after drain commit', 'after release'],
  keys: 0,
  poison: 0,
  rollingStops: 0,
  recoveries: 0,
  backlog: 0,
  instances: 0,
  longUpdateMs: 0,
  soakSeconds: 0,
};

const LARGE: AttackSizes = {
  kills: 500,
  updates: 10_000,
  stops: 200,
  cuts: 500,
  restarts: 100,
  clocks: 100,
  failpoints: FAILPOINTS,
  keys: 300,
  poison: 100,
  rollingStops: 20,
  recoveries: 50,
  backlog: 100_000,
  instances: 10_000,
  longUpdateMs: 30_000,
  soakSeconds: Number(process.env['MOTION_SOAK_SECONDS'] ?? 300),
};

/** Options of {@link attacks}. */
export interface AttacksOptions extends Runner {
  /** Of the store, for the test's name. */
  readonly name: string;
  /** A server of the suite's own. `restartable`: it is killed, too; what was acknowledged must survive that. */
  readonly server: { readonly url: string; readonly port: number; readonly restartable?: Restartable };
  /** How a process opens the store. `timeoutMs` is for the store. */
  readonly store: (at: { readonly url: string; readonly namespace: string; readonly timeoutMs: number }) => StoreModule;
  /** Whether the store measures time by the server's clock. */
  readonly serverClock: boolean;
  /** `small` (default): within a minute. `large`: for the night, within half an hour. */
  readonly size?: 'small' | 'large';
  /** Of leases, in milliseconds; longer for a slow server. Default: 500. */
  readonly ttlMs?: number;
  /** What differs from that. */
  readonly sizes?: Partial<AttackSizes>;
}

const STORE_TIMEOUT_MS = 5_000;
/** Through the proxy: so that some disturbances outlast it. */
const SHORT_TIMEOUT_MS = 1_000;
const CASE_MS = { small: 240_000, large: 1_800_000 };
/** When nothing else runs, a takeover comes within ttl and this; on a busy machine, nobody can say. */
const SOON_MS = { small: 15_000, large: 2_000 };

let namespaces = 0;

/**
 * All attacks on a store whose data are on a server, as tests: processes killed, stopped and put off by their clocks,
 * connections disturbed, the server itself killed. Each prints its figures and its seed.
 *
 * @example
 * const server = await startRedis({ appendonly: true });
 * afterAll(() => server.stop());
 * attacks({
 *   describe,
 *   test,
 *   name: 'RedisStore',
 *   server: { ...server, restartable: server.process },
 *   serverClock: true,
 *   store: (argument) => ({ module: new URL('./open.mjs', import.meta.url), argument }),
 *   size: process.env.MOTION_NIGHTLY === '1' ? 'large' : 'small',
 * });
 */
export function attacks(options: AttacksOptions): void {
  const { describe, test, name, server, store, serverClock, size = 'small', sizes, ttlMs = 500 } = options;
  const { restartable } = server;
  const much: AttackSizes = { ...(size === 'large' ? LARGE : SMALL), ...sizes };
  const timeoutMs = CASE_MS[size];
  const at = (namespace: string, url = server.url, storeTimeoutMs = STORE_TIMEOUT_MS): StoreModule =>
    store({ url, namespace, timeoutMs: storeTimeoutMs });
  const seed = process.env['MOTION_SEED'];
  const attack = (
    what: string,
    amount: number,
    run: (base: FaultOptions, namespace: string) => Promise<FaultReport>,
  ): void => {
    if (amount === 0) return;
    test(
      what,
      async () => {
        const namespace = `attack-${process.pid}-${Date.now().toString(36)}-${namespaces++}`;
        const base = { store: at(namespace), ...(seed !== undefined && { seed: Number(seed) }) };
        const { problems, seed: drawn } = await run(base, namespace);
        if (problems.length > 0) throw new Error(`seed ${drawn}:\n${problems.join('\n')}`);
      },
      timeoutMs,
    );
  };
  const proxied = async (
    namespace: string,
    run: (through: { proxy: TcpProxy; store: StoreModule; direct: StoreModule }) => Promise<FaultReport>,
  ): Promise<FaultReport> => {
    const proxy = await TcpProxy.start({ port: server.port });
    try {
      const through = at(namespace, proxy.url(server.url), SHORT_TIMEOUT_MS);
      return await run({ proxy, store: through, direct: at(namespace) });
    } finally {
      await proxy.close();
    }
  };
  /** Of a lease that outlasts the usual troubles of the store. */
  const longTtlMs = ttlMs * 2;
  const soonMs = longTtlMs + SOON_MS[size];
  const limits = { timeoutMs: timeoutMs - 30_000, quietMs: longTtlMs + 20_000 };

  describe(`${name} under attack`, () => {
    attack('processes are killed at random moments', much.kills, (base) =>
      chaos({ ...base, ...limits, ttlMs, kills: much.kills, updates: much.updates }),
    );
    attack('processes are stopped inside an update, past their lease', much.stops, (base) =>
      chaos({ ...base, ...limits, ttlMs, pauses: much.stops, pausesAtOnce: 4, instances: 8, workers: 6, updates: 100 }),
    );
    attack('processes crash at failpoints', much.failpoints.length, (base) =>
      crashAtFailpoints({ ...base, failpoints: much.failpoints, ttlMs, quietMs: soonMs }),
    );
    attack('connections are cut, delayed, hung and robbed of their answers', much.cuts, (base, namespace) =>
      proxied(namespace, (through) =>
        disconnections({ ...base, ...limits, ttlMs: longTtlMs, ...through, cuts: much.cuts, updates: 100 }),
      ),
    );
    if (restartable)
      attack('the server is killed and started again', much.restarts, (base) =>
        restarts({ ...base, ...limits, server: restartable, ttlMs: longTtlMs, restarts: much.restarts, updates: 100 }),
      );
    attack('clocks are wrong by up to an hour, and jump', much.clocks, (base) =>
      clocks({
        ...base,
        ...limits,
        kills: much.clocks,
        pauses: 2,
        serverClock,
        takeoverMs: soonMs,
        ttlMs: longTtlMs,
        updates: 100,
      }),
    );
    attack('callers are killed in calls with idempotency keys', much.keys, (base) =>
      keyedCalls({ ...base, keys: much.keys }),
    );
    attack('one update kills every process that runs it', much.poison, (base) =>
      poison({ ...base, updates: much.poison, neighbours: 4, timeoutMs: 120_000 }),
    );
    attack('workers are stopped in good order under load', much.rollingStops, (base) =>
      rollingStops({ ...base, stops: much.rollingStops }),
    );
    attack('the holder of many instances is killed inside their updates', much.recoveries, (base) =>
      recoveries({ ...base, samples: much.recoveries, ttlMs: longTtlMs }),
    );
    attack('an update takes long while there are serves', much.longUpdateMs, (base) =>
      servesDuringUpdate({ ...base, updateMs: much.longUpdateMs, mostMs: 2_000 }),
    );
    attack('a backlog and many instances wait for one worker', much.backlog, (base) =>
      backlog({ ...base, updates: much.backlog, instances: much.instances }),
    );
    attack('all at once, for long', much.soakSeconds, (base, namespace) =>
      proxied(namespace, (through) =>
        soak({
          ...base,
          ...through,
          server: restartable,
          serverClock,
          ttlMs: longTtlMs,
          durationMs: much.soakSeconds * 1_000,
          growth: much.soakSeconds >= 120 ? 0.1 : 1,
          updates: 100,
        }),
      ),
    );
  });
}
