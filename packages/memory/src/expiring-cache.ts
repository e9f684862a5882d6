interface Cached {
  readonly value: Uint8Array;
  readonly expires: number;
}

const MAX_ENTRIES = 10_000;
const MAX_BYTES = 64 * 2 ** 20;

/** Values that expire, bounded in number and bytes: the partition that was cached first gives way first. */
export class ExpiringCache {
  readonly #partitions: Map<string, Map<string, Cached>> = new Map();
  #entries = 0;
  #bytes = 0;

  get(partition: string, key: string, now: number): Uint8Array | undefined {
    const cached = this.#partitions.get(partition)?.get(key);
    if (cached === undefined) return undefined;
    if (cached.expires > now) return new Uint8Array(cached.value);
    this.#forget(partition, key);
    return undefined;
  }

  set(partition: string, key: string, value: Uint8Array, expires: number): void {
    this.#forget(partition, key);
    let held = this.#partitions.get(partition);
    if (held === undefined) {
      held = new Map();
      this.#partitions.set(partition, held);
    }
    held.set(key, { value: new Uint8Array(value), expires });
    this.#entries++;
    this.#bytes += value.byteLength;
    while (this.#entries > MAX_ENTRIES || this.#bytes > MAX_BYTES) this.#evict();
  }

  clear(partition: string): void {
    const held = this.#partitions.get(partition);
    if (held === undefined) return;
    for (const { value } of held.values()) this.#bytes -= value.byteLength;
    this.#entries -= held.size;
    this.#partitions.delete(partition);
  }

  #evict(): void {
    for (const [partition, held] of this.#partitions)
      for (const key of held.keys()) {
        this.#forget(partition, key);
        return;
      }
  }

  #forget(partition: string, key: string): void {
    const held = this.#partitions.get(partition);
    const cached = held?.get(key);
    if (held === undefined || cached === undefined) return;
    held.delete(key);
    if (held.size === 0) this.#partitions.delete(partition);
    this.#entries--;
    this.#bytes -= cached.value.byteLength;
  }
}
