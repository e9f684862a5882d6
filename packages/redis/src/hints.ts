import { randomBytes } from 'node:crypto';
import { type Listener, Listeners } from '@motion-ts/core/store';
import type { Cluster, Redis } from 'ioredis';
import type { Connection } from './connection.js';

/** A busy process tells the others so often, and not of every commit. */
const EVERY_MS = 10;
/** Beyond so many names, the others are told that any may have changed. */
const MOST_NAMES = 32;

/**
 * Tells listeners, here and in other processes, which partitions changed. Commits only name what to tell: it is published
 * at once, or, soon after the last time, together with what comes meanwhile.
 */
export class Hints {
  readonly #connection: Connection;
  readonly #channel: string;
  /** Whom a message is from: one of our own tells nothing new. */
  readonly #me: string = randomBytes(6).toString('base64url');
  readonly #listeners = new Listeners();
  readonly #changed: Set<string> = new Set();
  #timer: NodeJS.Timeout | undefined;
  #subscriber: Redis | undefined;

  constructor(connection: Connection, channel: string) {
    this.#connection = connection;
    this.#channel = channel;
  }

  add(listener: Listener): () => void {
    const stop = this.#listeners.add(listener, () => this.#unsubscribe());
    this.#subscribe();
    return stop;
  }

  /** A commit of this process was applied. */
  changed(partition: string): void {
    this.#listeners.tell(partition);
    if (this.#changed.size <= MOST_NAMES) this.#changed.add(partition);
    if (this.#timer === undefined) this.#publish();
  }

  /** Publishes what is still to be told, and stops. */
  close(): void {
    this.#listeners.clear();
    this.#unsubscribe();
    if (this.#changed.size > 0) this.#publish();
    clearTimeout(this.#timer);
  }

  #publish(): void {
    const names = this.#changed.size > MOST_NAMES ? ['*'] : [...this.#changed];
    this.#changed.clear();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#changed.size > 0) this.#publish();
    }, EVERY_MS);
    this.#timer.unref();
    // Nothing but a hint: should it be lost, a scan finds what it told of.
    if (this.#connection.isReady)
      this.#connection.client.publish(this.#channel, [this.#me, ...names].join(' ')).catch(() => {});
  }

  #subscribe(): void {
    if (this.#subscriber !== undefined) return;
    const { client } = this.#connection;
    const subscriber = (
      client.isCluster
        ? (client as Cluster).duplicate([], { lazyConnect: true })
        : (client as Redis).duplicate({ lazyConnect: true, enableOfflineQueue: true, maxRetriesPerRequest: null })
    ) as Redis;
    this.#subscriber = subscriber;
    subscriber.on('error', () => {});
    subscriber.on('message', (channel: string, message: string) => {
      if (channel === this.#channel) this.#received(message);
    });
    // What was published while there was no connection is lost.
    subscriber.on('ready', () => this.#listeners.tell(undefined));
    subscriber.subscribe(this.#channel).catch(() => {});
  }

  #unsubscribe(): void {
    this.#subscriber?.disconnect();
    this.#subscriber = undefined;
  }

  #received(message: string): void {
    const [from, ...names] = message.split(' ');
    if (from === this.#me) return;
    for (const name of names) this.#listeners.tell(name === '*' ? undefined : name);
  }
}
