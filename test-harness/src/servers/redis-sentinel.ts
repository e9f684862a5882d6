import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { provide } from './provision.js';
import { REDIS, type RedisServer, type RedisServerOptions, startRedis } from './redis.js';
import { ask } from './resp.js';
import { dataDirectory, freePort, ServerProcess, until } from './server-process.js';

const NAME = 'motion';
/** A master that does not answer for so long is down. */
const DOWN_MS = 1_000;
/** A sentinel looks once a second, and waits for twice as long as this from one failover to the next. */
const FAILOVER_MS = 2_500;

/** A Redis server with replicas, and a sentinel that makes one of these the master when the master is gone. */
export interface RedisWithSentinel {
  /** For clients, which ask it for the master. */
  readonly sentinels: { readonly host: string; readonly port: number }[];
  /** What the sentinel calls the master. */
  readonly name: string;
  readonly servers: readonly RedisServer[];
  /** Which of the servers is the master now. */
  master(): Promise<RedisServer>;
  /** Kills the master. Resolves once another is the master, and a new one in its place, without data, is a replica of that. */
  failOver(): Promise<void>;
  /** Ends all of it and removes the data. */
  stop(): Promise<void>;
}

/** Options of {@link startRedisWithSentinel}. */
export interface RedisWithSentinelOptions extends RedisServerOptions {
  /** How many replicas the master has. Default: 2, so that there is one left after a failover. */
  readonly replicas?: number;
}

/**
 * Starts a Redis server, its replicas and a sentinel on free ports.
 *
 * @example
 * const redis = await startRedisWithSentinel();
 * const store = new RedisStore({ options: { sentinels: redis.sentinels, name: redis.name } });
 * await redis.failOver();
 */
export async function startRedisWithSentinel(options: RedisWithSentinelOptions = {}): Promise<RedisWithSentinel> {
  const { replicas = 2, ...rest } = options;
  const servers: RedisServer[] = [];
  const data = dataDirectory();
  let sentinel: ServerProcess | undefined;
  const stop = async (): Promise<void> => {
    await sentinel?.stop();
    await Promise.all(servers.map((server) => server.stop()));
    data.remove();
  };
  try {
    // A master would wait for more replicas before it sends its data.
    const args = ['--repl-diskless-sync-delay', '0', ...(rest.args ?? [])];
    const first = await startRedis({ ...rest, args, shared: true });
    servers.push(first);
    while (servers.length <= replicas) {
      const replica = await startRedis({ ...rest, args, shared: true });
      servers.push(replica);
      await replica.ask('REPLICAOF', '127.0.0.1', first.port);
    }
    await untilReplicated(first, replicas);
    const port = await freePort();
    const config = join(data.path, 'sentinel.conf');
    writeFileSync(
      config,
      [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${data.path}`,
        `sentinel monitor ${NAME} 127.0.0.1 ${first.port} 1`,
        `sentinel down-after-milliseconds ${NAME} ${DOWN_MS}`,
        `sentinel failover-timeout ${NAME} ${FAILOVER_MS}`,
        `sentinel parallel-syncs ${NAME} ${replicas}`,
        '',
      ].join('\n'),
    );
    sentinel = await ServerProcess.start({
      command: provide(REDIS),
      args: [config, '--sentinel'],
      ready: async () => String(await ask(port, 'INFO', 'sentinel')).includes(`status=ok`),
    });
    const view = async (): Promise<string> => String(await ask(port, 'INFO', 'sentinel'));
    /** Once a failover is over, and not as soon as another is chosen. */
    const master = async (): Promise<RedisServer> => {
      const at = /address=127\.0\.0\.1:(\d+)/.exec(await view())?.[1];
      const found = servers.find((server) => server.port === Number(at));
      if (found === undefined) throw new Error(`the sentinel names a master at port ${at}, which is none of them`);
      return found;
    };
    return {
      sentinels: [{ host: '127.0.0.1', port }],
      name: NAME,
      servers,
      master,
      async failOver() {
        const old = await master();
        await old.process.kill();
        await until('another master', async () => (await master()) !== old);
        const now = await master();
        // One that came back as a master, and without data, would take writes until the sentinel has seen it.
        await old.stop();
        const again = [...args, '--replicaof', '127.0.0.1', String(now.port)];
        servers[servers.indexOf(old)] = await startRedis({ ...rest, args: again, shared: true, port: old.port });
        for (const server of servers) if (server !== now) await server.ask('REPLICAOF', '127.0.0.1', now.port);
        await untilReplicated(now, replicas);
        await until('a sentinel at rest', async () => (await view()).includes('status=ok'));
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function untilReplicated(master: RedisServer, replicas: number): Promise<void> {
  return until(`${replicas} replicas`, async () => {
    const info = String(await master.ask('INFO', 'replication'));
    return (info.match(/state=online/g) ?? []).length === replicas;
  });
}
