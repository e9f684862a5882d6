import type { Statement } from './connection.js';

type Listener = (partition: string | undefined) => void;

const POLL_MS = 20;

/** Tells listeners of own commits at once, and of those of other connections by polling for a changed `data_version`. */
export class Watchers {
  readonly #listeners: Set<Listener> = new Set();
  #dataVersion: Statement | undefined;
  #version: unknown;
  #timer: NodeJS.Timeout | undefined;

  /** From now on, polls this. */
  opened(dataVersion: Statement): void {
    this.#dataVersion = dataVersion;
  }

  add(listener: Listener): () => void {
    // Of our own, so that one function may listen twice and each stop ends one.
    const own: Listener = (partition) => listener(partition);
    this.#listeners.add(own);
    if (this.#timer === undefined) {
      this.#version = undefined;
      this.#timer = setInterval(() => this.#poll(), POLL_MS);
      // A listener alone is no reason for a process to live.
      this.#timer.unref();
    }
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size === 0) this.stop();
    };
  }

  tell(partition: string | undefined): void {
    // In a turn of its own: a listener that throws is an uncaught error of its own, and no failure of the store.
    for (const listener of this.#listeners) queueMicrotask(() => listener(partition));
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#listeners.clear();
  }

  #poll(): void {
    let version: unknown;
    try {
      version = this.#dataVersion?.get();
    } catch {
      // Busy, or worse: the next commit will say it better than a hint can.
      return;
    }
    if (version === this.#version) return;
    this.#version = version;
    this.tell(undefined);
  }
}
