import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Target } from './options.js';

/** A client of ioredis, for one server or a cluster. */
export type Client = Redis | Cluster;

/** How long until the n-th try to connect again, in ms. */
function retryDelay(attempt: number): number {
  return Math.min(20 * 2 ** Math.min(attempt, 6), 1000) * (0.75 + Math.random() / 2);
}

/**
 * The client for a target, not connected yet. Whatever was on its way when a connection ends is rejected at once and never
 * sent again. Nothing waits in a queue of ioredis, but for a node of a cluster that is just being connected to.
 */
export function makeClient(target: Target, timeoutMs: number): Client {
  if ('client' in target) return target.client;
  const mine = {
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    lazyConnect: true,
    replyMapping: 'legacy',
  } as const;
  const connectTimeout = Math.min(timeoutMs, 10_000);
  if ('nodes' in target)
    return new Cluster(target.nodes, {
      clusterRetryStrategy: retryDelay,
      slotsRefreshTimeout: connectTimeout,
      ...target.options,
      redisOptions: {
        connectTimeout,
        disableClientInfo: true,
        ...target.options.redisOptions,
        ...mine,
        // A node that hangs is given up, so that what waits for it settles.
        socketTimeout: timeoutMs,
      },
      retryDelayOnFailover: 0,
      lazyConnect: true,
    });
  const options: RedisOptions & { replyMapping: 'legacy' } = {
    connectTimeout,
    disableClientInfo: true,
    retryStrategy: retryDelay,
    // After a failover the name may lead to the new master: connect again, send nothing again.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    ...target.options,
    ...mine,
    enableOfflineQueue: false,
  };
  return target.url === undefined ? new Redis(options) : new Redis(target.url, options);
}
