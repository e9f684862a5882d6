import { randomBytes } from 'node:crypto';
import { type Listener, Listeners } from '@motion-ts/core/store';
import type { Connections } from './connections.js';
import type { PgClient } from './pg-shape.js';
import type { Statements } from './statements.js';

/** Between two notifications. */
const PAUSE_MS = 20;
/** The most that PostgreSQL takes is 7999 bytes. */
const MOST_BYTES = 7000;
const RECONNECT_MS = 1000;
/** How long the end waits for a last notification. */
const FAREWELL_MS = 200;
const SEPARATOR = '\n';

/**
 * Tells listeners of own commits at once, and of those of others by LISTEN on one connection, while anybody listens.
 *
 * Others are notified after a commit and not by it: at COMMIT, transactions that notify wait for each other, whatever
 * partitions they are of. Notifications are gathered; when there are too many, only that there were any is told.
 */
export class Watchers {
  readonly #connections: Connections;
  readonly #statements: Statements;
  readonly #channel: string;
  readonly #timeoutMs: number;
  /** Tells our own notifications from those of others. */
  readonly #me: string = randomBytes(8).toString('hex');
  readonly #listeners = new Listeners();
  #changed: Set<string> = new Set();
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #notifying: Promise<void> | undefined;
  #release: (() => void) | undefined;
  #connecting = false;
  #closed = false;

  constructor(connections: Connections, statements: Statements, namespace: string, timeoutMs: number) {
    this.#connections = connections;
    this.#statements = statements;
    this.#channel = `motion-ts ${namespace}`;
    this.#timeoutMs = timeoutMs;
  }

  add(listener: Listener): () => void {
    const stop = this.#listeners.add(listener, () => this.#disconnect());
    void this.#connect();
    return stop;
  }

  /** A commit of this store was applied. */
  changed(partition: string): void {
    this.#listeners.tell(partition);
    if (this.#bytes <= MOST_BYTES && !this.#changed.has(partition)) {
      this.#changed.add(partition);
      this.#bytes += partition.length + 1;
    }
    if (this.#timer === undefined && this.#notifying === undefined) this.#notify();
  }

  /** Sends what is left to tell, if that is quick, and stops. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    this.#disconnect();
    const last = async (): Promise<void> => {
      await this.#notifying;
      if (this.#changed.size > 0) this.#notify();
      await this.#notifying;
    };
    await Promise.race([last(), new Promise((resolve) => setTimeout(resolve, FAREWELL_MS))]);
    clearTimeout(this.#timer);
  }

  #notify(): void {
    const names = this.#bytes > MOST_BYTES ? [] : [...this.#changed];
    this.#changed = new Set();
    this.#bytes = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const payload = [this.#me, ...names].join(SEPARATOR);
    const deadline = performance.now() + this.#timeoutMs;
    this.#notifying = this.#connections
      .run(this.#statements.notify, [this.#channel, payload], deadline)
      // A hint may miss; what stands in its way will reject a call that matters.
      .then(ignore, ignore)
      .then(() => {
        this.#notifying = undefined;
        clearTimeout(this.#timer);
        if (this.#closed) return;
        this.#timer = setTimeout(() => {
          this.#timer = undefined;
          if (this.#changed.size > 0) this.#notify();
        }, PAUSE_MS);
        this.#timer.unref();
      });
  }

  async #connect(): Promise<void> {
    if (this.#connecting || this.#release !== undefined) return;
    this.#connecting = true;
    try {
      const { client, release } = await this.#connections.take(performance.now() + this.#timeoutMs);
      // A listener alone is no reason for a process to live.
      client.unref?.();
      this.#release = release;
      this.#listenOn(client, release);
    } catch {
      this.#reconnectLater();
    } finally {
      this.#connecting = false;
    }
    if (this.#listeners.size === 0) this.#disconnect();
  }

  #listenOn(client: PgClient, release: () => void): void {
    const lost = (): void => {
      if (this.#release !== release) return;
      this.#disconnect();
      this.#reconnectLater();
    };
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', (message: { readonly channel: string; readonly payload?: string }) => {
      if (message.channel === this.#channel) this.#heard(message.payload ?? '');
    });
    client.query({ text: `LISTEN "${this.#channel}"`, rowMode: 'array', types: TEXTS }, (error) => {
      if (error) lost();
      // Until now, nothing was heard of others.
      else this.#listeners.tell(undefined);
    });
  }

  #heard(payload: string): void {
    const [from, ...names] = payload.split(SEPARATOR);
    if (from === this.#me) return;
    if (names.length === 0) this.#listeners.tell(undefined);
    for (const name of names) this.#listeners.tell(name);
  }

  #disconnect(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }

  #reconnectLater(): void {
    if (this.#closed || this.#listeners.size === 0) return;
    setTimeout(
      () => {
        if (this.#listeners.size > 0) void this.#connect();
      },
      RECONNECT_MS * (0.5 + Math.random()),
    ).unref();
  }
}

const TEXTS = { getTypeParser: () => (value: string) => value };

function ignore(): void {}
