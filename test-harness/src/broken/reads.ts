import { type Snapshot, type Store, shardOf } from '@motion-ts/core/store';
import { Altered } from './altered.js';

/** Stores that read wrongly. */

export class BytesNotCopiedOut extends Altered {
  readonly #given: Map<string, Uint8Array> = new Map();

  override async get(...args: Parameters<Store['get']>): Promise<Snapshot> {
    const snapshot = await super.get(...args);
    return {
      ...snapshot,
      entries: snapshot.entries.map((entry) => {
        if (entry?.value === undefined) return entry;
        const id = `${args[0]} ${entry.key} ${entry.rev}`;
        const value = this.#given.get(id) ?? entry.value;
        this.#given.set(id, value);
        return { ...entry, value };
      }),
    };
  }
}

export class ListUnordered extends Altered {
  override async list(...args: Parameters<Store['list']>): ReturnType<Store['list']> {
    return [...(await super.list(...args))].reverse();
  }
}

export class ListAsPattern extends Altered {
  override async list(...[partition, range]: Parameters<Store['list']>): ReturnType<Store['list']> {
    const all = await super.list(partition, { ...range, prefix: '', limit: 1000 });
    const pattern = range.prefix
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll('%', '.*')
      .replaceAll('_', '.');
    return all.filter((entry) => new RegExp(`^${pattern}`).test(entry.key)).slice(0, range.limit);
  }
}

export class ShardIgnored extends Altered {
  override scan(...[query, cursor]: Parameters<Store['scan']>): ReturnType<Store['scan']> {
    return super.scan('due' in query ? { due: true } : query, cursor);
  }
}

export class SnapshotTorn extends Altered {
  override async get(...[partition, keys, options]: Parameters<Store['get']>): Promise<Snapshot> {
    const head = await super.get(partition, []);
    const entries: Snapshot['entries'][number][] = [];
    for (const [i, key] of keys.entries()) {
      await new Promise((resolve) => setImmediate(resolve));
      entries.push((await super.get(partition, [key], { known: [options?.known?.[i]] })).entries[0]);
    }
    return { ...head, entries };
  }
}

export class KnownByRevisionAlone extends Altered {
  override async get(...[partition, keys, options]: Parameters<Store['get']>): Promise<Snapshot> {
    const known = new Set(options?.known);
    const snapshot = await super.get(partition, keys);
    return {
      ...snapshot,
      entries: snapshot.entries.map(
        (entry) => entry && (known.has(entry.rev) ? { key: entry.key, rev: entry.rev } : entry),
      ),
    };
  }
}

export class KnownNeverChecked extends Altered {
  readonly #seen: Map<string, Snapshot> = new Map();
  override async get(...[partition, keys, options]: Parameters<Store['get']>): Promise<Snapshot> {
    const id = `${partition} ${keys.join(' ')}`;
    const seen = this.#seen.get(id);
    if (seen?.entries.length && seen.entries.every((entry, i) => entry && entry.rev === options?.known?.[i]))
      return seen;
    const snapshot = await super.get(partition, keys, options);
    this.#seen.set(id, snapshot);
    return snapshot;
  }
}

/** A replica that lags. */
export class StaleRead extends Altered {
  readonly #read: Map<string, { readonly at: number; readonly snapshot: Snapshot }> = new Map();
  override async get(...[partition, keys, options]: Parameters<Store['get']>): Promise<Snapshot> {
    const id = `${partition} ${keys.join(' ')}`;
    const read = this.#read.get(id);
    if (read !== undefined && performance.now() - read.at < 30) return read.snapshot;
    const snapshot = await super.get(partition, keys, options);
    this.#read.set(id, { at: performance.now(), snapshot });
    return snapshot;
  }
}

export class ListPageSkips extends Altered {
  override async list(...[partition, range]: Parameters<Store['list']>): ReturnType<Store['list']> {
    const page = await super.list(partition, range);
    return range.after !== undefined && page.length > 1 ? page.slice(1) : page;
  }
}

export class ListLags extends Altered {
  readonly #listed: Map<string, Awaited<ReturnType<Store['list']>>> = new Map();
  override async list(...[partition, range]: Parameters<Store['list']>): ReturnType<Store['list']> {
    const id = `${partition} ${JSON.stringify(range)}`;
    const before = this.#listed.get(id);
    const now = await super.list(partition, range);
    this.#listed.set(id, now);
    return before ?? now;
  }
}

export class ListBehindIncludes extends Altered {
  override async list(...[partition, range]: Parameters<Store['list']>): ReturnType<Store['list']> {
    const { after, ...rest } = range;
    const page = await super.list(partition, range);
    const [at] = after === undefined ? [] : await super.list(partition, { ...rest, prefix: after, limit: 1 });
    return at?.key === after && at?.key.startsWith(range.prefix) ? [at, ...page].slice(0, range.limit) : page;
  }
}

export class ScanMissesAShard extends Altered {
  override async scan(...args: Parameters<Store['scan']>): ReturnType<Store['scan']> {
    const page = await super.scan(...args);
    return { ...page, partitions: page.partitions.filter((name) => shardOf(name, 32) !== 7) };
  }
}

export class ScanPageSkips extends Altered {
  override async scan(...[query, cursor]: Parameters<Store['scan']>): ReturnType<Store['scan']> {
    const page = await super.scan(query, cursor);
    return cursor === undefined ? page : { ...page, partitions: page.partitions.slice(1) };
  }
}

export class ScanUnordered extends Altered {
  override async scan(...args: Parameters<Store['scan']>): ReturnType<Store['scan']> {
    const page = await super.scan(...args);
    return { ...page, partitions: [...page.partitions].sort() };
  }
}

export class EmptyValueLost extends Altered {
  override async get(...args: Parameters<Store['get']>): Promise<Snapshot> {
    const snapshot = await super.get(...args);
    const entries = snapshot.entries.map((entry) => (entry?.value?.byteLength === 0 ? undefined : entry));
    return { ...snapshot, entries };
  }
}
