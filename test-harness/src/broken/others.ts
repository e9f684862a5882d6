import { type Commit, type Limits, type Store, StoreError } from '@motion-ts/core/store';
import { Altered } from './altered.js';
import { copied } from './link.js';

/** Stores whose limits, cache, errors or close are wrong. */

export class CloseDoesNothing extends Altered {
  override async close(): Promise<void> {}
}

export class CloseForgetsCalls extends Altered {
  #closed = false;
  override async commit(partition: string, given: Commit): ReturnType<Store['commit']> {
    const commit = copied(given);
    await new Promise((resolve) => setImmediate(resolve));
    // Never settles.
    if (this.#closed) return new Promise(() => {});
    return super.commit(partition, commit);
  }
  override async close(): Promise<void> {
    this.#closed = true;
    await super.close();
  }
}

export class LimitsIgnored extends Altered {
  override get limits(): Limits {
    return { ...this.good.limits, getKeys: 20 };
  }
}

export class CacheForever extends Altered {
  override cacheSet(...[partition, key, value]: Parameters<Store['cacheSet']>): Promise<void> {
    return super.cacheSet(partition, key, value, 3_600_000);
  }
}

export class CacheClearLazy extends Altered {
  override async cacheClear(partition: string): Promise<void> {
    await super.cacheGet(partition, 'a');
  }
}

export class ErrorsOfItsOwn extends Altered {
  override async commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    try {
      return await super.commit(partition, commit);
    } catch (error) {
      throw StoreError.is(error) ? new Error(error.message) : error;
    }
  }
}

export class CloseHangs extends Altered {
  override async close(): Promise<void> {
    await super.close();
    await new Promise(() => {});
  }
}

export class ValueLimitIgnored extends Altered {
  override get limits(): Limits {
    return { ...this.good.limits, valueBytes: 1000 };
  }
}

/** One that is longer is cut, and meets others. */
export class LongKeysCut extends Altered {
  override commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    return super.commit(partition, { ...commit, puts: commit.puts?.map((put) => ({ ...put, key: cut(put.key) })) });
  }
  override get(...[partition, keys, options]: Parameters<Store['get']>): ReturnType<Store['get']> {
    return super.get(partition, keys.map(cut), options);
  }
}

const cut = (key: string): string => (key.length > 500 && key.length <= 512 ? key.slice(0, 500) : key);

export class KeysWithoutCase extends Altered {
  override async get(...[partition, keys, options]: Parameters<Store['get']>): ReturnType<Store['get']> {
    const snapshot = await super.get(partition, keys, options);
    const lower = await super.get(
      partition,
      keys.map((key) => key.toLowerCase()),
    );
    return { ...snapshot, entries: snapshot.entries.map((entry, i) => lower.entries[i] ?? entry) };
  }
}

export class CacheAcrossPartitions extends Altered {
  override cacheGet(_partition: string, key: string): Promise<Uint8Array | undefined> {
    return super.cacheGet('all', key);
  }
  override cacheSet(...[, key, value, ttlMs]: Parameters<Store['cacheSet']>): Promise<void> {
    return super.cacheSet('all', key, value, ttlMs);
  }
}

/** Every other client's clock is ten minutes ahead. */
export class ExpiryByTheClientsClock extends Altered {
  static #clients = 0;
  readonly #ahead: number = ExpiryByTheClientsClock.#clients++ % 2 === 0 ? 0 : 600_000;
  override cacheSet(...[partition, key, value, ttlMs]: Parameters<Store['cacheSet']>): Promise<void> {
    return super.cacheSet(partition, key, value, ttlMs + this.#ahead);
  }
}

export class WatchLeaks extends Altered {
  override watch(listener: (partition: string | undefined) => void): () => void {
    super.watch(listener);
    return () => {};
  }
}

export class WatchTellsOfItselfAlone extends Altered {
  readonly #listeners: Set<(partition: string | undefined) => void> = new Set();
  override async commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    const result = await super.commit(partition, commit);
    for (const listener of this.#listeners) listener(partition);
    return result;
  }
  override watch(listener: (partition: string | undefined) => void): () => void {
    super.watch(() => {})();
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

/** Waits without letting anything else run. */
export class EventLoopBlocked extends Altered {
  override async list(...args: Parameters<Store['list']>): ReturnType<Store['list']> {
    const page = await super.list(...args);
    if (page.some(({ value }) => value.byteLength > 100_000))
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1200);
    return page;
  }
}
