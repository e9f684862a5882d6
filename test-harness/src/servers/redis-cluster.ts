import { type RedisServer, type RedisServerOptions, startRedis } from './redis.js';
import { freePort, until } from './server-process.js';

const SLOTS = 16_384;
const KEYS_AT_ONCE = 100;
/** Longer than a server tries to fail over on request. */
const FAILOVER_MS = 6_000;

/** A Redis Cluster of a test's own. */
export interface RedisCluster {
  /** Those that were the masters at first, and then their replicas. */
  readonly servers: readonly RedisServer[];
  /** For clients. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** The server that owns a slot. */
  ownerOf(slot: number): Promise<RedisServer>;
  /** Moves a slot and its keys to another server, while clients go on. */
  moveSlot(slot: number, to: RedisServer): Promise<void>;
  /** Makes a replica of a slot's owner the owner, while clients go on: by agreement of the two, so that nothing is lost. */
  failOver(slot: number): Promise<void>;
  /** Ends all servers and removes their data. */
  stop(): Promise<void>;
}

/** Options of {@link startRedisCluster}. */
export interface RedisClusterOptions extends RedisServerOptions {
  /** How many masters. Default: 3. */
  readonly servers?: number;
  /** How many replicas each has. Default: 0. */
  readonly replicas?: number;
}

/**
 * Starts a Redis Cluster on free ports, with the slots spread evenly.
 *
 * @example
 * const cluster = await startRedisCluster();
 * await cluster.moveSlot(42, cluster.servers[1]);
 */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const { servers: count = 3, replicas = 0 } = options;
  const nodes: Node[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map(({ server }) => server.stop()));
  };
  try {
    while (nodes.length < count * (1 + replicas)) nodes.push(await startNode(options));
    await join(nodes, count);
    await Promise.all(nodes.slice(count).map(({ server }, i) => replicate(server, nodes[i % count] as Node)));
  } catch (error) {
    await stop();
    throw error;
  }
  const servers = nodes.map(({ server }) => server);
  const ownerOf = async (slot: number): Promise<RedisServer> => {
    const at = await ownerAccordingTo(servers[0] as RedisServer, slot);
    const owner = servers.find(({ port }) => port === at);
    if (owner === undefined) throw new Error(`nobody owns slot ${slot}`);
    return owner;
  };
  return {
    servers,
    nodes: servers.map(({ port }) => ({ host: '127.0.0.1', port })),
    ownerOf,
    async failOver(slot) {
      const old = await ownerOf(slot);
      const id = String(await old.ask('CLUSTER', 'MYID'));
      let next = old;
      await until(`a replica with all that the owner of slot ${slot} has`, async () => {
        const [replica] = (await old.ask('CLUSTER', 'REPLICAS', id)) as readonly string[];
        const port = Number(/:(\d+)@/.exec(replica ?? '')?.[1]);
        next = servers.find((server) => server.port === port) ?? old;
        return String(await next.ask('INFO', 'replication')).includes('master_link_status:up');
      });
      let askedAt = Number.NEGATIVE_INFINITY;
      await until('a new owner that all know', async () => {
        // It is given up after a while if the other masters did not agree in time.
        const isMaster = String(await next.ask('ROLE')).startsWith('master');
        if (!isMaster && performance.now() - askedAt > FAILOVER_MS) {
          askedAt = performance.now();
          await next.ask('CLUSTER', 'FAILOVER');
        }
        const owners = await Promise.all(servers.map((server) => ownerAccordingTo(server, slot)));
        return owners.every((owner) => owner === next.port);
      });
    },
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
  const server = await startRedis({ ...options, shared: true, args: [...args, ...(options.args ?? [])] });
  return { server, busPort };
}

/** The first of them are masters of all slots. */
async function join(nodes: readonly Node[], masters: number): Promise<void> {
  const servers = nodes.map(({ server }) => server);
  const [first] = nodes as readonly [Node];
  for (const [i, server] of servers.entries()) {
    const from = Math.floor((SLOTS * i) / masters);
    const to = Math.floor((SLOTS * (i + 1)) / masters) - 1;
    if (i < masters) await server.ask('CLUSTER', 'ADDSLOTSRANGE', from, to);
    await server.ask('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
    if (i > 0) await server.ask('CLUSTER', 'MEET', '127.0.0.1', first.server.port, first.busPort);
  }
  const known = `cluster_known_nodes:${servers.length}\r`;
  await until('a cluster that is up', async () => {
    const infos = await Promise.all(servers.map((server) => server.ask('CLUSTER', 'INFO')));
    return infos.every((info) => String(info).includes('cluster_state:ok') && String(info).includes(known));
  });
}

/** Port of the server that owns a slot, as one of them knows it. */
async function ownerAccordingTo(server: RedisServer, slot: number): Promise<number | undefined> {
  const ranges = (await server.ask('CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
  return ranges.find(([from, to]) => from <= slot && slot <= to)?.[2][1];
}

/** Makes a master without slots the replica of another. */
async function replicate(server: RedisServer, { server: master }: Node): Promise<void> {
  const id = String(await server.ask('CLUSTER', 'MYID'));
  const masterId = String(await master.ask('CLUSTER', 'MYID'));
  await server.ask('CLUSTER', 'REPLICATE', masterId);
  await until('a replica that its master knows', async () =>
    String(await master.ask('CLUSTER', 'REPLICAS', masterId)).includes(id),
  );
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
  // Replicas learn it from their masters.
  for (const server of [to, from, ...servers.filter((other) => other !== to && other !== from)])
    if (String(await server.ask('ROLE')).startsWith('master'))
      await server.ask('CLUSTER', 'SETSLOT', slot, 'NODE', toId);
}
