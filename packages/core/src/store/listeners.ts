/** Hears of changed partitions; undefined: any may have changed. See {@link Store.watch}. */
export type Listener = (partition: string | undefined) => void;

/**
 * For stores: those who listen for changed partitions. They are told in a turn of their own, so that what one of them throws
 * is an unhandled rejection and no failure of a commit; and once of a partition that changed several times until then.
 *
 * @example
 * readonly #listeners = new Listeners();
 * watch(listener: Listener): () => void {
 *   return this.#listeners.add(listener);
 * }
 * // Once a commit is applied:
 * this.#listeners.tell(partition);
 */
export class Listeners {
  private readonly listeners = new Set<Listener>();
  private readonly untold = new Set<string | undefined>();

  /** How many there are. */
  get size(): number {
    return this.listeners.size;
  }

  /**
   * @param onLast called when nobody is left
   * @returns ends it; may be called twice. One function may listen twice, and each of these ends one
   */
  add(listener: Listener, onLast?: () => void): () => void {
    const own: Listener = (partition) => listener(partition);
    this.listeners.add(own);
    return () => {
      if (this.listeners.delete(own) && this.listeners.size === 0) onLast?.();
    };
  }

  /** @param partition which changed; undefined: any may have */
  tell(partition: string | undefined): void {
    if (this.listeners.size === 0) return;
    if (this.untold.size === 0) void Promise.resolve().then(this.tellAll);
    this.untold.add(partition);
  }

  /** Nobody listens any more. */
  clear(): void {
    this.listeners.clear();
  }

  private readonly tellAll = (): void => {
    const partitions = [...this.untold];
    this.untold.clear();
    // Who begins to listen meanwhile, of what comes.
    for (const listener of [...this.listeners])
      for (const partition of partitions) {
        if (!this.listeners.has(listener)) break;
        try {
          listener(partition);
        } catch (error) {
          void Promise.reject(error);
        }
      }
  };
}
