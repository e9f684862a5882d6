import { DATA, inContainer } from './container.js';
import { type Provided, provide, provideServer, type ServerProgram } from './provision.js';
import { ask, type Reply } from './resp.js';
import { dataDirectory, freePort, ServerProcess } from './server-process.js';

const OF_REDIS: ServerProgram = { name: 'redis-server', debianPackage: 'redis-server', image: 'redis:7' };
const OF_VALKEY: ServerProgram = { name: 'valkey-server', debianPackage: 'valkey-server', image: 'valkey/valkey:8' };

/** What a Redis server is, and a sentinel, too: Valkey where `MOTION_TEST_REDIS` is `valkey-server`. */
export const REDIS: ServerProgram = process.env['MOTION_TEST_REDIS'] === 'valkey-server' ? OF_VALKEY : OF_REDIS;

/** Options of {@link startRedis}. */
export interface RedisServerOptions {
  /** Whether every write is in the append-only file, fsynced, before it is answered. Default: false, nothing is kept. */
  readonly appendonly?: boolean;
  /** Default: one that is free. */
  readonly port?: number;
  /** More arguments, for instance `['--maxmemory', '10mb']`. */
  readonly args?: readonly string[];
  /** Whether other servers of this machine must reach it under the same address: then it is never in a container. */
  readonly shared?: boolean;
}

/** A Redis server of a test's own. */
export interface RedisServer {
  /** For clients: `redis://127.0.0.1:<port>`. */
  readonly url: string;
  readonly port: number;
  readonly process: ServerProcess;
  /** Sends one command over a connection of its own. */
  ask(...command: readonly (string | number)[]): Promise<Reply>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/**
 * Starts a Redis server on a free port, with a data directory of its own.
 *
 * @example
 * const server = await startRedis({ appendonly: true });
 * await server.process.kill();
 * await server.process.restart();
 */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const port = options.port ?? (await freePort());
  const data = dataDirectory();
  const more = options.appendonly ? ['--appendonly', 'yes', '--appendfsync', 'always'] : [];
  more.push(...(options.args ?? []));
  const argsFor = (address: string, directory: string): string[] => {
    return ['--port', String(port), '--bind', address, '--dir', directory, '--save', '', ...more];
  };
  try {
    // From within a container, this machine's loopback interface is another one.
    const redis: Provided = options.shared ? { program: provide(REDIS) } : provideServer(REDIS);
    const process = await ServerProcess.start({
      ...('program' in redis
        ? { command: redis.program, args: argsFor('127.0.0.1', data.path) }
        : inContainer({
            ...redis,
            port,
            directory: data.path,
            // From there, this machine is another one.
            args: [REDIS.name, ...argsFor('0.0.0.0', DATA), '--protected-mode', 'no'],
          })),
      ready: () => isReady(port),
    });
    return {
      url: `redis://127.0.0.1:${port}`,
      port,
      process,
      ask: (...command) => ask(port, ...command),
      async stop() {
        await process.stop();
        data.remove();
      },
    };
  } catch (error) {
    data.remove();
    throw error;
  }
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await ask(port, 'PING')) === 'PONG';
  } catch (error) {
    // One that wants a password is up; one that is loading is not.
    return error instanceof Error && error.message.startsWith('NOAUTH');
  }
}
