import type { Key } from '@motion-ts/core/store';
import { decoded } from './binary.js';
import type { Connections } from './connections.js';
import type { Statements } from './statements.js';

/** How many writes pass between two sweeps of expired rows, and how many rows a sweep takes at most. */
const SWEEP_EVERY = 500;
const SWEEP_ROWS = 1000;
/** `expires` is a bigint. */
const FAR_MS = 2 ** 52;

/** The table of cached values. */
export class ResultCache {
  readonly #connections: Connections;
  readonly #statements: Statements;
  #writes = 0;

  constructor(connections: Connections, statements: Statements) {
    this.#connections = connections;
    this.#statements = statements;
  }

  async get(partition: string, key: Key, deadline: number): Promise<Uint8Array | undefined> {
    const [row] = await this.#connections.run(this.#statements.cacheGet, [partition, key], deadline);
    return typeof row?.[0] === 'string' ? decoded(row[0]) : undefined;
  }

  /** @param value the caller's no longer */
  async set(partition: string, key: Key, value: Buffer, ttlMs: number, deadline: number): Promise<void> {
    const ttl = Math.max(-FAR_MS, Math.min(FAR_MS, ttlMs));
    await this.#connections.run(this.#statements.cacheSet, [partition, key, ttl, value], deadline);
    if (this.#writes++ % SWEEP_EVERY === 0)
      await this.#connections.run(this.#statements.cacheSweep, [SWEEP_ROWS], deadline);
  }

  async clear(partition: string, deadline: number): Promise<void> {
    await this.#connections.run(this.#statements.cacheClear, [partition], deadline);
  }
}
