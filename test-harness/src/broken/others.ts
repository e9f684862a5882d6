import { type Commit, type Limits, type Store, StoreError } from '@motion-ts/core/store';
import { Altered } from './altered.js';

/** Stores whose limits, cache, errors or close are wrong. */

export class CloseDoesNothing extends Altered {
  override async close(): Promise<void> {}
}

export class CloseForgetsCalls extends Altered {
  #closed = false;
  override async commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
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
