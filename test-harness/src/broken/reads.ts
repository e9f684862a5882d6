import type { Snapshot, Store } from '@motion-ts/core/store';
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
