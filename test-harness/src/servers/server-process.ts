import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** How a server is started. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The user to run as. Default: the one of this process. */
  readonly user?: User;
  /** Tells whether it takes requests. Asked again and again until it does; what it throws counts as no. */
  readonly ready: () => Promise<boolean>;
  /** Milliseconds within which it must be ready. Default: 30,000. */
  readonly readyMs?: number;
  /** What ends it in good order. Default: SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  /** Set when the command is a client of Docker, which only shows what the container does. */
  readonly container?: Container;
}

/** What has to be told to Docker, because signals to its client mean the client. */
export interface Container {
  /** The path of `docker`. */
  readonly docker: string;
  readonly name: string;
}

/** A user of this machine. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Enough of what a server printed to see why it did not start. */
const OUTPUT_CHARACTERS = 4_000;
const STOP_MS = 10_000;

/**
 * A server of a test's own: started here, ended here by its pid, and not left over when this process dies, however that
 * happens.
 */
export class ServerProcess {
  readonly #launch: Launch;
  #child: ChildProcess;
  #guard: ChildProcess | undefined;
  #output = '';
  #paused = false;

  private constructor(launch: Launch) {
    this.#launch = launch;
    this.#child = this.#spawn();
  }

  /** Starts a server, and waits until it is ready. */
  static async start(launch: Launch): Promise<ServerProcess> {
    const server = new ServerProcess(launch);
    await server.#untilReady();
    return server;
  }

  /** Of the process that runs now. */
  get pid(): number {
    return this.#child.pid as number;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** SIGKILL, as a crash would end it; resolves once it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends it in good order; by force if that takes too long. */
  async stop(): Promise<void> {
    await this.#end(this.#launch.stopSignal ?? 'SIGTERM');
  }

  /** Starts it again after {@link kill} or {@link stop}, with the same data; resolves once it is ready. */
  async restart(): Promise<void> {
    if (this.running) await this.stop();
    this.#child = this.#spawn();
    await this.#untilReady();
  }

  /** SIGSTOP: it hangs, with its connections open. */
  pause(): void {
    const { container } = this.#launch;
    if (!container) process.kill(this.pid, 'SIGSTOP');
    else if (!this.#paused) tell(container, 'pause');
    this.#paused = true;
  }

  /** SIGCONT. */
  resume(): void {
    const { container } = this.#launch;
    if (!container) process.kill(this.pid, 'SIGCONT');
    else if (this.#paused) tell(container, 'unpause');
    this.#paused = false;
  }

  #spawn(): ChildProcess {
    const { command, args, cwd, env, user } = this.#launch;
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd !== undefined && { cwd }),
      ...(user && { uid: user.uid, gid: user.gid }),
      env: { ...process.env, ...env },
    });
    this.#output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data: Buffer) => {
        this.#output = (this.#output + data.toString()).slice(-OUTPUT_CHARACTERS);
      });
    child.on('error', (error) => {
      this.#output += `\n${error.message}`;
    });
    // Its input ends when this process does, even by SIGKILL: then it takes the server along.
    if (child.pid !== undefined) {
      const { container } = this.#launch;
      const end = container ? [container.docker, 'kill', container.name] : ['kill', '-9', String(child.pid)];
      const guard = spawn('/bin/sh', ['-c', 'while read -r _; do :; done; "$@"', 'guard', ...end], {
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
      });
      this.#guard = guard;
      // The number of one that ended by itself may be another's by then.
      if (!container) child.once('exit', () => guard.kill('SIGKILL'));
    }
    this.#guard?.unref();
    (this.#guard?.stdin as unknown as { unref?: () => void } | undefined)?.unref?.();
    return child;
  }

  async #untilReady(): Promise<void> {
    const { command, ready, readyMs = 30_000 } = this.#launch;
    const deadline = performance.now() + readyMs;
    while (!(await ready().catch(() => false))) {
      if (!this.running || this.#child.pid === undefined)
        throw new Error(`${command} ended before it was ready: ${this.#output.trim()}`);
      if (performance.now() > deadline) {
        await this.kill();
        throw new Error(`${command} was not ready within ${readyMs} ms: ${this.#output.trim()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#guard?.kill('SIGKILL');
    this.#guard = undefined;
    if (!this.running || child.pid === undefined) return;
    const gone = once(child, 'exit');
    const { container } = this.#launch;
    // A container that is paused takes no signal.
    if (container && this.#paused) this.resume();
    const send = (name: NodeJS.Signals): unknown =>
      container ? tell(container, 'kill', '--signal', name) : child.kill(name);
    send(signal);
    // A process that is stopped hears nothing but this.
    const force = setTimeout(() => send('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(force);
    this.#paused = false;
  }
}

/** It may have ended meanwhile, which is for its client to tell. */
function tell({ docker, name }: Container, ...command: string[]): void {
  spawnSync(docker, [...command, name], { stdio: 'ignore', timeout: STOP_MS });
}

/** A port of the loopback interface that was free just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

const PATIENCE_MS = 60_000;

/** Waits until something is so; what it throws counts as no. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  let cause: unknown;
  const caught = (error: unknown): boolean => {
    cause = error;
    return false;
  };
  while (!(await holds().catch(caught))) {
    if (performance.now() > deadline) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`, { cause });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A directory for a server's data, and what removes it. */
export function dataDirectory(user?: User): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'motion-server-'));
  if (user) chownSync(path, user.uid, user.gid);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A user by name; undefined if there is none. */
export function userOf(name: string): User | undefined {
  try {
    const id = (flag: string): number =>
      Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}
