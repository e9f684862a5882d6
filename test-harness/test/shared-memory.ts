import { type Commit, type CommitResult, type Store, StoreError } from '@motion-ts/core/store';
import { MemoryStore } from '@motion-ts/memory';

/** A commit that was applied. */
export type Applied = readonly [partition: string, commit: Commit];

interface Server {
  memory: MemoryStore;
  applied: Applied[];
}

/** Memory stores with several clients each: what the clients of one namespace share outlives each of them. */
export class SharedMemory {
  readonly #servers: Map<string, Server> = new Map();

  /** One more client of a namespace. */
  client(namespace: string): Store {
    return clientOf(this.#server(namespace));
  }

  /** Forgets all of a namespace, and applies again what is left of its commits. */
  async crash(namespace: string, left: (applied: readonly Applied[]) => readonly Applied[]): Promise<void> {
    const server = this.#server(namespace);
    server.applied = [...left(server.applied)];
    server.memory = new MemoryStore();
    for (const [partition, { checks: _, seqIs: __, ...commit }] of server.applied)
      await server.memory.commit(partition, commit);
  }

  #server(namespace: string): Server {
    const server = this.#servers.get(namespace) ?? { memory: new MemoryStore(), applied: [] };
    this.#servers.set(namespace, server);
    return server;
  }
}

function clientOf(server: Server): Store {
  let closed = false;
  const stops: (() => void)[] = [];
  const own: Partial<Store> = {
    watch(listener) {
      if (closed) throw new StoreError('closed', 'this client was closed');
      const stop = server.memory.watch(listener);
      stops.push(stop);
      return stop;
    },
    async commit(partition, commit): Promise<CommitResult> {
      if (closed) throw new StoreError('closed', 'this client was closed');
      // In the same turn: the caller may change its bytes afterwards.
      const call = server.memory.commit(partition, commit);
      const copy = structuredClone(commit);
      const result = await call;
      if (result.ok) server.applied.push([partition, copy]);
      return result;
    },
    async close() {
      closed = true;
      for (const stop of stops) stop();
    },
  };
  return new Proxy(server.memory as Store, {
    get(_, name: keyof Store) {
      if (name in own) return own[name];
      const value = server.memory[name];
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) =>
        closed
          ? Promise.reject(new StoreError('closed', 'this client was closed'))
          : (value as (...args: unknown[]) => unknown).apply(server.memory, args);
    },
  });
}
