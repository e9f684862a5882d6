import { execFile, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { DATA, inContainer } from './container.js';
import { type Provided, provideServer } from './provision.js';
import { dataDirectory, freePort, type Launch, ServerProcess, type User, userOf } from './server-process.js';

/** Options of {@link startPostgres}. */
export interface PostgresOptions {
  /** Settings of the server, as in postgresql.conf: `{ max_connections: '20' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * Whether it writes as for production. Default: false, which spares the fsyncs: what was committed survives the end of
   * the server by any signal, but not a power loss.
   */
  readonly durable?: boolean;
  /** Asks for this password of the user `postgres` (SCRAM). Default: it lets everyone of this machine in. */
  readonly password?: string;
}

/** A PostgreSQL server of a test's own. */
export interface PostgresServer {
  /** Of its superuser: `postgres://postgres@127.0.0.1:<port>/postgres`. */
  readonly url: string;
  readonly port: number;
  readonly process: PostgresProcess;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** Settings that make tests fast and lose nothing but what a power loss would. */
const FAST = { fsync: 'off', full_page_writes: 'off' };

const BASE = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // Its files lie in the data directory, so that none are left over in /dev/shm.
  dynamic_shared_memory_type: 'mmap',
  max_connections: '200',
};

/**
 * Starts a PostgreSQL server with data of its own on a free port of the loopback interface. The newest one that is
 * installed is taken. PostgreSQL refuses to run as root: then it runs as the user `postgres`.
 *
 * @example
 * const server = await startPostgres();
 * const store = new PostgresStore({ url: server.url });
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const provided = provideServer({
    name: 'initdb',
    directories: debianDirectories,
    debianPackage: 'postgresql',
    image: 'postgres:16',
  });
  const user = 'program' in provided ? unprivileged() : undefined;
  const directory = dataDirectory(user);
  try {
    const port = await freePort();
    const settings = { ...BASE, ...(options.durable ? {} : FAST), ...options.settings };
    const server = await ServerProcess.start({
      ...(await launchOf(provided, directory.path, port, user, settings, options.password)),
      ready: () => takesConnections(port),
      // A fast shutdown: SIGTERM would wait for every client to go.
      stopSignal: 'SIGINT',
    });
    const process = new PostgresProcess(server, !('program' in provided));
    const login = options.password === undefined ? 'postgres' : `postgres:${encodeURIComponent(options.password)}`;
    return {
      url: `postgres://${login}@127.0.0.1:${port}/postgres`,
      port,
      process,
      stop: async () => {
        process.resume();
        await process.stop();
        directory.remove();
      },
    };
  } catch (error) {
    directory.remove();
    throw error;
  }
}

async function launchOf(
  provided: Provided,
  directory: string,
  port: number,
  user: User | undefined,
  settings: Readonly<Record<string, string>>,
  password: string | undefined,
): Promise<Omit<Launch, 'ready'>> {
  const argsOf = (more: object): string[] => [
    '-p',
    String(port),
    ...Object.entries({ ...settings, ...more }).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
  ];
  if (!('program' in provided)) {
    const access = password === undefined ? { POSTGRES_HOST_AUTH_METHOD: 'trust' } : { POSTGRES_PASSWORD: password };
    // The image makes the data, through a socket. From there, this machine is another one.
    const args = ['postgres', ...argsOf({ listen_addresses: '*', unix_socket_directories: '/var/run/postgresql' })];
    return inContainer({ ...provided, port, directory, args, env: { PGDATA: `${DATA}/data`, ...access } });
  }
  // What PATH leads to may be a link to one program of many that belong together.
  const bin = dirname(realpathSync(provided.program));
  const data = join(directory, 'data');
  await createCluster(bin, data, directory, user, password);
  return { command: join(bin, 'postgres'), args: ['-D', data, ...argsOf({})], cwd: directory, ...(user && { user }) };
}

/** Asks it to begin a session, as any client does: while it starts, it answers by an error. */
function takesConnections(port: number): Promise<boolean> {
  const parameters = Buffer.from('user\0postgres\0database\0postgres\0\0');
  const startup = Buffer.alloc(8 + parameters.length);
  startup.writeInt32BE(startup.length, 0);
  startup.writeInt32BE(3 << 16, 4);
  parameters.copy(startup, 8);
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(startup));
    socket.setTimeout(2_000, () => socket.destroy());
    // 'R': it wants a password, or none.
    socket.on('data', (data) => {
      resolve(data[0] === 'R'.charCodeAt(0));
      socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(false));
  });
}

/** The server's processes: the postmaster, and one for each connection and task. */
export class PostgresProcess {
  readonly #postmaster: ServerProcess;
  readonly #contained: boolean;

  /** @param contained whether it is in a container, which ends and hangs as one */
  constructor(postmaster: ServerProcess, contained = false) {
    this.#postmaster = postmaster;
    this.#contained = contained;
  }

  /** Of the postmaster. */
  get pid(): number {
    return this.#postmaster.pid;
  }

  get running(): boolean {
    return this.#postmaster.running;
  }

  /** SIGKILL to all, as a crash would end them; resolves once they are gone, so that {@link restart} finds no trace. */
  async kill(): Promise<void> {
    // It starts no new ones then, of which we would not know.
    if (this.running && !this.#contained) this.#postmaster.pause();
    const children = this.#children();
    await this.#postmaster.kill();
    signal(children, 'SIGKILL');
    while (!children.every(hasEnded)) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** A fast shutdown: open transactions are rolled back, clients are disconnected. */
  async stop(): Promise<void> {
    const children = this.#children();
    await this.#postmaster.stop();
    // None is left, unless the postmaster had to be killed.
    signal(children, 'SIGKILL');
  }

  /** Starts it again with the same data; resolves once it takes connections. */
  async restart(): Promise<void> {
    if (this.running) await this.stop();
    await this.#postmaster.restart();
  }

  /** SIGSTOP to all: the server hangs, with its connections open. */
  pause(): void {
    // The postmaster first: it starts no new ones then.
    if (this.running) this.#postmaster.pause();
    signal(this.#children(), 'SIGSTOP');
  }

  /** SIGCONT to all. */
  resume(): void {
    signal(this.#children(), 'SIGCONT');
    if (this.running) this.#postmaster.resume();
  }

  #children(): number[] {
    if (!this.running || this.#contained) return [];
    return execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .filter(([, parent]) => parent === this.pid)
      .map(([pid]) => pid as number);
  }
}

const run = promisify(execFile);

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids)
    try {
      process.kill(pid, name);
    } catch {
      // It has gone meanwhile.
    }
}

/** Whether a process has ended, even if nobody has asked how: in a container, nobody may ever do so. */
export function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return true;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return /^ [ZX]/.test(stat.slice(stat.lastIndexOf(')') + 1));
  } catch {
    // It has gone meanwhile, or this is no Linux.
    return false;
  }
}

/** Where Debian puts the programs of each version, the newest first. */
function debianDirectories(): string[] {
  const root = '/usr/lib/postgresql';
  try {
    return readdirSync(root)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(root, version, 'bin'));
  } catch {
    return [];
  }
}

function unprivileged(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const user = userOf('postgres');
  if (user === undefined)
    throw new Error(
      'PostgreSQL refuses to run as root, and there is no user postgres: add it by `useradd --system postgres`',
    );
  return user;
}

async function createCluster(
  bin: string,
  data: string,
  directory: string,
  user: User | undefined,
  password: string | undefined,
): Promise<void> {
  const args = ['-D', data, '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-sync'];
  if (password === undefined) args.push('-A', 'trust');
  else {
    const file = join(directory, 'password');
    writeFileSync(file, password);
    args.push('-A', 'scram-sha-256', '--pwfile', file);
  }
  await run(join(bin, 'initdb'), args, { cwd: directory, ...(user && { uid: user.uid, gid: user.gid }) });
}
