import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import {
  type CommitResult,
  type Entry,
  type Limits,
  type ScanPage,
  type Snapshot,
  type Store,
  StoreError,
} from '@motion-ts/core/store';
import type { Failure, Method, Opening, Reply, Request } from './protocol.js';

/** Options of {@link openInProcess}. */
export interface InProcessOptions {
  /** A URL: of a module of plain JavaScript that exports `open(argument): Store | Promise<Store>`. */
  readonly module: { readonly href: string };
  /** What `open` is given; JSON. */
  readonly argument?: unknown;
}

/** A store that lives in another process. */
export interface StoreInProcess extends Store {
  /** The id of that process. */
  readonly pid: number;
  /** Ends that process as a crash does, and waits until it is gone. Calls under way reject, commits with `unknown`. */
  kill(): Promise<void>;
}

/**
 * Opens a store in a child process and calls it from here, as a second client that shares no memory with this process.
 *
 * @throws StoreError whatever opening threw there
 * @example
 * const other = await openInProcess({ module: new URL('./open.mjs', import.meta.url), argument: { path } });
 */
export async function openInProcess(options: InProcessOptions): Promise<StoreInProcess> {
  const opening: Opening = { module: options.module.href, argument: options.argument };
  // Under its own name, so that the built file is found from the sources as well.
  const self = createRequire(import.meta.url).resolve('@motion-ts/test-harness/package.json');
  // 'advanced' carries bytes as bytes.
  const child = fork(join(dirname(self), 'dist/processes/child.js'), [JSON.stringify(opening)], {
    serialization: 'advanced',
    execArgv: [],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new StoreError('unavailable', `the child process ended with ${code}`)));
    child.once('message', (reply: Reply) => {
      if ('opened' in reply) resolve(new ChildStore(child, reply.opened, reply.watchable));
      else reject('failed' in reply ? errorOf(reply.failed) : new Error('the child process spoke out of turn'));
    });
  });
}

interface Pending {
  readonly method: Method;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

class ChildStore implements StoreInProcess {
  readonly limits: Limits;
  readonly pid: number;
  readonly watch?: NonNullable<Store['watch']>;
  readonly #child: ChildProcess;
  readonly #pending: Map<number, Pending> = new Map();
  readonly #listeners: Set<(partition: string | undefined) => void> = new Set();
  readonly #gone: Promise<void>;
  #calls = 0;
  #closing: Promise<void> | undefined;

  constructor(child: ChildProcess, limits: Limits, watchable: boolean) {
    this.#child = child;
    this.limits = limits;
    this.pid = child.pid as number;
    if (watchable) this.watch = (listener) => this.#watch(listener);
    child.on('message', (reply: Reply) => this.#receive(reply));
    this.#gone = new Promise((resolve) => {
      child.once('exit', () => {
        this.#failAll();
        resolve();
      });
    });
  }

  get(...args: Parameters<Store['get']>): Promise<Snapshot> {
    return this.#call('get', args);
  }
  list(...args: Parameters<Store['list']>): Promise<readonly Entry[]> {
    return this.#call('list', args);
  }
  commit(...args: Parameters<Store['commit']>): Promise<CommitResult> {
    return this.#call('commit', args);
  }
  scan(...args: Parameters<Store['scan']>): Promise<ScanPage> {
    return this.#call('scan', args);
  }
  cacheGet(...args: Parameters<Store['cacheGet']>): Promise<Uint8Array | undefined> {
    return this.#call('cacheGet', args);
  }
  cacheSet(...args: Parameters<Store['cacheSet']>): Promise<void> {
    return this.#call('cacheSet', args);
  }
  cacheClear(...args: Parameters<Store['cacheClear']>): Promise<void> {
    return this.#call('cacheClear', args);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    return this.#gone;
  }

  async #close(): Promise<void> {
    this.#listeners.clear();
    if (!this.#child.connected) return;
    await this.#send('close', []);
    this.#child.disconnect();
    await this.#gone;
  }

  #call<T>(method: Method, args: readonly unknown[]): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(new StoreError('closed', 'this store was closed'));
    return this.#send(method, args);
  }

  #send<T>(method: Method, args: readonly unknown[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const call = this.#calls++;
      this.#pending.set(call, { method, resolve: resolve as Pending['resolve'], reject });
      this.#request({ call, method, args });
    });
  }

  #request(request: Request): void {
    // What cannot be sent is answered by the end of the process.
    if (this.#child.connected) this.#child.send(request, () => {});
    else this.#failAll();
  }

  #receive(reply: Reply): void {
    if ('changed' in reply) for (const listener of this.#listeners) listener(reply.changed);
    if (!('call' in reply)) return;
    const pending = this.#pending.get(reply.call);
    this.#pending.delete(reply.call);
    if ('failed' in reply) pending?.reject(errorOf(reply.failed));
    else pending?.resolve(reply.value as never);
  }

  #failAll(): void {
    for (const { method, reject } of this.#pending.values())
      reject(
        new StoreError(method === 'commit' ? 'unknown' : 'unavailable', `the process of the store ended: ${method}`),
      );
    this.#pending.clear();
  }

  #watch(listener: (partition: string | undefined) => void): () => void {
    if (this.#closing !== undefined) throw new StoreError('closed', 'this store was closed');
    const own = (partition: string | undefined): void => listener(partition);
    this.#listeners.add(own);
    if (this.#listeners.size === 1) this.#request({ watching: true });
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#request({ watching: false });
    };
  }
}

function errorOf(failure: Failure): Error {
  return failure.code === undefined ? new Error(failure.message) : new StoreError(failure.code, failure.message);
}
