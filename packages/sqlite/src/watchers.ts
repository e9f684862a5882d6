import { type Listener, Listeners } from '@motion-ts/core/store';
import type { Statement } from './connection.js';

const POLL_MS = 20;

/** Tells listeners of own commits at once, and of those of other connections by polling for a changed `data_version`. */
export class Watchers {
  readonly #listeners = new Listeners();
  #dataVersion: Statement | undefined;
  #version: unknown;
  #timer: NodeJS.Timeout | undefined;

  /** From now on, polls this. */
  opened(dataVersion: Statement): void {
    this.#dataVersion = dataVersion;
  }

  add(listener: Listener): () => void {
    if (this.#timer === undefined) {
      this.#version = undefined;
      this.#timer = setInterval(() => this.#poll(), POLL_MS);
      // A listener alone is no reason for a process to live.
      this.#timer.unref();
    }
    return this.#listeners.add(listener, () => this.stop());
  }

  tell(partition: string | undefined): void {
    this.#listeners.tell(partition);
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
