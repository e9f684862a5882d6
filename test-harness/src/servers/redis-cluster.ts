import { type RedisServer, type RedisServerOptions, startRedis } from './redis.js';
import { freePort } from './server-process.js';

const SLOTS = 16_384;
const KEYS_AT_ONCE = 100;
const UP_MS = 30_000;

/** A Redis Cluster of a test's own, of masters without replicas. */
export interface RedisCluster {
  readonly servers: readonly RedisServer[];
  /** For clients. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** The server that owns a slot. */
  ownerOf(slot: number): Promise<RedisServer>;
  /** Moves a slot and its keys to another server, while clients go on. */
  moveSlot(slot: number, to: RedisServer): Promise<void>;
  /** Ends all servers and removes their data. */
  stop(): Promise<void>;
}

/** Options of {@link startRedisCluster}. */
export interface RedisClusterOptions extends RedisServerOptions {
  /** How many servers. Default: 3. */
  readonly servers?: number;
}

/**
 * Starts a Redis Cluster on free ports, with the slots spread evenly.
 *
 * @example
 * const cluster = await startRedisCluster();
 * await cluster.moveSlot(42, cluster.servers[1]);
 */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const count = options.servers ?? 3;
  const nodes: Node[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map(({ server }) => server.stop()));
  };
  try {
    while (nodes.length < count) nodes.push(await startNode(options));
    await join(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  const servers = nodes.map(({ server }) => server);
  const ownerOf = async (slot: number): Promise<RedisServer> => {
    const ranges = (await (servers[0] as RedisServer).ask('CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
    const range = ranges.find(([from, to]) => from <= slot && slot <= to);
    const owner = servers.find(({ port }) => port === range?.[2][1]);
    if (owner === undefined) throw new Error(`nobody owns slot ${slot}`);
    return owner;
  };
  return {
    servers,
    nodes: servers.map(({ port }) => ({ host: '127.0.0.1', port })),
    ownerOf,
    async moveSlot(slot, to) {
      await moveSlot(servers, slot, await ownerOf(slot), to);
    },
    stop,
  };
}

interface Node {
  readonly server: RedisServer;
  readonly busPort: number;
}

async function startNode(options: RedisServerOptions): Promise<Node> {
  // By default it is port + 10,000, which may be taken or not exist.
  const busPort = await freePort();
  const args = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '5000'];
  return { server: await startRedis({ ...options, args: [...args, ...(options.args ?? [])] }), busPort };
}

async function join(nodes: readonly Node[]): Promise<void> {
  const servers = nodes.map(({ server }) => server);
  const [first] = nodes as readonly [Node];
  for (const [i, server] of servers.entries()) {
    const from = Math.floor((SLOTS * i) / servers.length);
    const to = Math.floor((SLOTS * (i + 1)) / servers.length) - 1;
    await server.ask('CLUSTER', 'ADDSLOTSRANGE', from, to);
    await server.ask('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
    if (i > 0) await server.ask('CLUSTER', 'MEET', '127.0.0.1', first.server.port, first.busPort);
  }
  const deadline = performance.now() + UP_MS;
  for (;;) {
    const infos = await Promise.all(servers.map((server) => server.ask('CLUSTER', 'INFO')));
    const known = `cluster_known_nodes:${servers.length}\r`;
    if (infos.every((info) => String(info).includes('cluster_state:ok') && String(info).includes(known))) return;
    if (performance.now() > deadline) throw new Error(`the cluster was not up within ${UP_MS} ms: ${infos.join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function moveSlot(
  servers: readonly RedisServer[],
  slot: number,
  from: RedisServer,
  to: RedisServer,
): Promise<void> {
  if (from === to) return;
  const fromId = String(await from.ask('CLUSTER', 'MYID'));
  const toId = String(await to.ask('CLUSTER', 'MYID'));
  await to.ask('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
  await from.ask('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
  for (;;) {
    const keys = (await from.ask('CLUSTER', 'GETKEYSINSLOT', slot, KEYS_AT_ONCE)) as readonly string[];
    if (keys.length === 0) break;
    await from.ask('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'KEYS', ...keys);
  }
  // The new owner first: should this end here, nobody sends clients in circles.
  for (const server of [to, from, ...servers.filter((other) => other !== to && other !== from)])
    await server.ask('CLUSTER', 'SETSLOT', slot, 'NODE', toId);
}
