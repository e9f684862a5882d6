import { assertOptions, type OptionNames, StoreError } from '@motion-ts/core/store';
import type { Cluster, ClusterNode, ClusterOptions, Redis, RedisOptions } from 'ioredis';

/** Options of {@link RedisStore}. Give exactly one of `url` (or `options`), `cluster` and `client`. */
export interface RedisStoreOptions {
  /** `redis://user:password@host:port/db`, or `rediss://...` for TLS. */
  readonly url?: string;
  /** Options of ioredis for one server or its sentinels, beside the `url` or instead of it. */
  readonly options?: RedisOptions;
  /** A Redis Cluster: some of its nodes, and options of ioredis. */
  readonly cluster?: { readonly nodes: readonly ClusterNode[]; readonly options?: ClusterOptions };
  /**
   * A client of ioredis that the caller made and will close. It must not send a command again by itself:
   * `autoResendUnfulfilledCommands: false`, and for a Cluster `retryDelayOnFailover: 0` as well.
   */
  readonly client?: Redis | Cluster;
  /** Stores of one namespace share their data: 1 to 64 characters of `[A-Za-z0-9_.:-]`; `motion` by default. */
  readonly namespace?: string;
  /** Every call settles within so many ms; 5000 by default. */
  readonly timeoutMs?: number;
  /**
   * A commit resolves once so many replicas have it (WAIT), and rejects with `unknown` if they do not within `timeoutMs`
   * (1000 by default). Not for a Cluster.
   */
  readonly wait?: { readonly replicas: number; readonly timeoutMs?: number };
  /** Told of settings of the server that may lose data; `console.warn` by default. */
  readonly onWarning?: (message: string) => void;
}

/** How to reach the server. */
export type Target =
  | { readonly client: Redis | Cluster }
  | { readonly nodes: ClusterNode[]; readonly options: ClusterOptions }
  | { readonly url: string | undefined; readonly options: RedisOptions };

/** Options after the check. */
export interface CheckedOptions {
  readonly target: Target;
  readonly namespace: string;
  readonly timeoutMs: number;
  readonly wait: { readonly replicas: number; readonly timeoutMs: number } | undefined;
  readonly onWarning: (message: string) => void;
}

const NAMES: OptionNames<RedisStoreOptions> = {
  url: true,
  options: true,
  cluster: true,
  client: true,
  namespace: true,
  timeoutMs: true,
  wait: true,
  onWarning: true,
};

/** @throws StoreError `invalid` */
export function checkOptions(options: RedisStoreOptions): CheckedOptions {
  assertOptions('RedisStore', options, NAMES);
  const { namespace = 'motion', timeoutMs = 5000, wait, onWarning = warn } = options;
  const target = targetOf(options);
  if (typeof namespace !== 'string' || !/^[A-Za-z0-9_.:-]{1,64}$/.test(namespace))
    throw invalid(`namespace ${JSON.stringify(namespace)} is not 1 to 64 characters of [A-Za-z0-9_.:-]`);
  assertMs('timeoutMs', timeoutMs);
  if (wait === undefined) return { target, namespace, timeoutMs, wait, onWarning };
  assertOptions<NonNullable<RedisStoreOptions['wait']>>(`'wait' of RedisStore`, wait, {
    replicas: true,
    timeoutMs: true,
  });
  const { replicas, timeoutMs: waitMs = Math.min(1000, Math.ceil(timeoutMs / 2)) } = wait;
  if (!Number.isSafeInteger(replicas) || replicas < 1) throw invalid(`wait.replicas ${replicas} is no number from 1`);
  assertMs('wait.timeoutMs', waitMs);
  if (waitMs >= timeoutMs) throw invalid(`wait.timeoutMs ${waitMs} must be below timeoutMs, which is ${timeoutMs}`);
  if ('nodes' in target || ('client' in target && target.client.isCluster))
    throw invalid('wait is not for a Cluster: set min-replicas-to-write on its servers');
  return { target, namespace, timeoutMs, wait: { replicas, timeoutMs: Math.ceil(waitMs) }, onWarning };
}

function targetOf({ url, options, cluster, client }: RedisStoreOptions): Target {
  const given = [url ?? options, cluster, client].filter((one) => one !== undefined).length;
  if (given !== 1) throw invalid('give exactly one of url (or options), cluster and client');
  if (client !== undefined) {
    assertSafe(client);
    return { client };
  }
  if (cluster !== undefined) {
    if (!Array.isArray(cluster.nodes) || cluster.nodes.length === 0) throw invalid('cluster.nodes names no node');
    assertPlain(cluster.options?.keyPrefix ?? cluster.options?.redisOptions?.keyPrefix);
    assertMasters(cluster.options?.scaleReads);
    return { nodes: [...cluster.nodes], options: cluster.options ?? {} };
  }
  if (url !== undefined && (typeof url !== 'string' || !/^rediss?:\/\//.test(url)))
    throw invalid(`url ${JSON.stringify(url)} does not start with redis:// or rediss://`);
  assertPlain(options?.keyPrefix);
  assertMasters(options?.readOnly ? 'slave' : undefined);
  return { url, options: options ?? {} };
}

/** A commit that is sent twice by the client itself may be applied twice, or answered as refused although it was applied. */
function assertSafe(client: Redis | Cluster): void {
  if (typeof client?.sendCommand !== 'function') throw invalid('client is no client of ioredis');
  const { options } = client;
  assertPlain(options.keyPrefix);
  const node = client.isCluster ? ((options as ClusterOptions).redisOptions ?? {}) : (options as RedisOptions);
  assertPlain(node.keyPrefix);
  if (node.autoResendUnfulfilledCommands !== false)
    throw invalid(
      `the client would send commits again after it reconnects: make it with ${client.isCluster ? 'redisOptions: { ' : ''}autoResendUnfulfilledCommands: false${client.isCluster ? ' }' : ''}`,
    );
  assertMasters((options as RedisOptions).readOnly ? 'slave' : (options as ClusterOptions).scaleReads);
  if (client.isCluster && (options as ClusterOptions).retryDelayOnFailover !== 0)
    throw invalid('the client would send commits again when a connection ends: make it with retryDelayOnFailover: 0');
}

function assertPlain(keyPrefix: unknown): void {
  if (keyPrefix) throw invalid('a keyPrefix would tear apart what belongs together in a cluster: give a namespace');
}

function assertMasters(scaleReads: ClusterOptions['scaleReads']): void {
  if (scaleReads !== undefined && scaleReads !== 'master')
    throw invalid('reads of replicas may be old: read from the masters (no readOnly, no scaleReads)');
}

function assertMs(what: string, ms: number): void {
  if (typeof ms !== 'number' || !(ms > 0) || ms > 2 ** 31 - 1)
    throw invalid(`${what} ${ms} is no number of milliseconds`);
}

function invalid(message: string): StoreError {
  return new StoreError('invalid', `RedisStore: ${message}`);
}

function warn(message: string): void {
  console.warn(message);
}
