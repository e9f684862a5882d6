import { type Store, StoreError } from '@motion-ts/core/store';
import { MemoryStore } from '@motion-ts/memory';

/** Memory stores with several clients each: what the clients of one namespace share outlives each of them. */
export class SharedMemory {
  readonly #memories: Map<string, MemoryStore> = new Map();

  /** One more client of a namespace. */
  client(namespace: string): Store {
    const memory = this.#memories.get(namespace) ?? new MemoryStore();
    this.#memories.set(namespace, memory);
    return clientOf(memory);
  }
}

function clientOf(memory: MemoryStore): Store {
  let closed = false;
  const stops: (() => void)[] = [];
  const watch = (listener: (partition: string | undefined) => void): (() => void) => {
    if (closed) throw new StoreError('closed', 'this client was closed');
    const stop = memory.watch(listener);
    stops.push(stop);
    return stop;
  };
  const close = async (): Promise<void> => {
    closed = true;
    for (const stop of stops) stop();
  };
  return new Proxy<Store>(memory, {
    get(_, name: keyof Store) {
      if (name === 'limits') return memory.limits;
      if (name === 'watch') return watch;
      if (name === 'close') return close;
      if (typeof memory[name] !== 'function') return memory[name];
      return (...args: unknown[]) =>
        closed
          ? Promise.reject(new StoreError('closed', 'this client was closed'))
          : (memory[name] as (...args: unknown[]) => unknown).apply(memory, args);
    },
  });
}
