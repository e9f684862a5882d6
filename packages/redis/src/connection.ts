import { StoreError } from '@motion-ts/core/store';
import { Command, type Redis } from 'ioredis';
import { type Client, makeClient } from './client.js';
import { isFatal, messageOf, refusal } from './failure.js';
import type { CheckedOptions } from './options.js';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: StoreError) => void;
}

/** The client, and whether it can take a command. */
export class Connection {
  readonly client: Client;
  /** Whether the client is ours to connect and to close. */
  readonly own: boolean;
  #waiting: Waiter[] = [];
  #lastError: unknown;

  constructor({ target, timeoutMs }: CheckedOptions) {
    this.client = makeClient(target, timeoutMs);
    this.own = !('client' in target);
    this.client.on('ready', this.#onReady);
    this.client.on('error', this.#onError);
    this.client.on('node error', this.#onError);
    this.client.on('end', this.#onEnd);
  }

  get isReady(): boolean {
    return this.client.status === 'ready';
  }

  /** What last kept it from connecting, for messages. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /**
   * Resolves once a command can be sent.
   *
   * @throws StoreError `invalid` if that cannot be without somebody changing settings
   */
  ready(): Promise<void> {
    if (this.isReady) return Promise.resolve();
    const { status } = this.client;
    if (status === 'end' && !this.own)
      return Promise.reject(new StoreError('invalid', 'the client was closed by its owner; make a new store'));
    const waiting = new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    // How that fails comes as an event.
    if (status === 'wait' || status === 'end') this.client.connect().catch(() => {});
    return waiting;
  }

  /** Sends one command; its answer has Buffers for strings. What one turn sends to a server goes out in one write. */
  send([name, ...args]: readonly [string, ...(string | Buffer)[]], node?: Redis): Promise<unknown> {
    const client = node ?? this.client;
    // Of a cluster, which has none itself, the right server is known only further down.
    const { stream } = client as Partial<Redis>;
    if (stream !== undefined && stream.writableCorked === 0) {
      stream.cork();
      process.nextTick(() => stream.uncork());
    }
    return client.sendCommand(new Command(name, args, { replyEncoding: null })) as Promise<unknown>;
  }

  /** Gives up a connection on which nothing comes any more; the next one is tried at once. */
  renew(): void {
    if (this.own && this.isReady && !this.client.isCluster) (this.client as Redis).disconnect(true);
  }

  close(): void {
    this.client.off('ready', this.#onReady);
    this.client.off('node error', this.#onError);
    this.client.off('end', this.#onEnd);
    if (this.own) this.client.disconnect();
    else this.client.off('error', this.#onError);
  }

  #onReady = (): void => {
    this.#lastError = undefined;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  };

  #onError = (error: unknown): void => {
    this.#lastError = error;
    if (!isFatal(error)) return;
    const cause = (error as { lastNodeError?: unknown }).lastNodeError ?? error;
    const told =
      refusal(cause, () => 'connecting to redis') ??
      new StoreError('invalid', `connecting to redis: ${messageOf(cause)}`, { cause });
    for (const { reject } of this.#waiting.splice(0)) reject(told);
  };

  #onEnd = (): void => {
    const error = new StoreError('unavailable', `redis cannot be reached (${messageOf(this.#lastError) || 'closed'})`, {
      cause: this.#lastError,
    });
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  };
}
