import { StoreError } from '@motion-ts/core/store';
import Database from 'better-sqlite3';
import { LIMITS } from './arguments.js';
import type { Connection } from './connection.js';
import { isBusy } from './failure.js';
import { Opened } from './opened.js';
import type { CheckedOptions } from './options.js';
import { deadlineIn, patiently } from './patience.js';
import { prepareFile } from './schema.js';
import type { Watchers } from './watchers.js';

/** Opens the database once for all who ask, and again for those who ask after a failure. */
export class Opener {
  readonly #options: CheckedOptions;
  readonly #watchers: Watchers;
  #opening: Promise<Opened> | undefined;
  /** The connection that we opened and must close. */
  #own: Connection | undefined;

  constructor(options: CheckedOptions, watchers: Watchers) {
    this.#options = options;
    this.#watchers = watchers;
  }

  /** @throws StoreError `invalid`, `corrupt`, `unavailable` */
  open(): Promise<Opened> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /** Frees what was opened. To be called when nothing is under way. */
  close(): void {
    this.#own?.close();
    this.#own = undefined;
  }

  async #open(): Promise<Opened> {
    const { database, path, synchronous, timeoutMs } = this.#options;
    const name = path ?? 'the given database';
    try {
      return await patiently(`opening ${name}`, deadlineIn(timeoutMs), () => {
        const connection = database ?? this.#connect(path as string);
        prepareFile(connection, name, synchronous);
        return new Opened(connection, database === undefined, LIMITS, this.#watchers);
      });
    } catch (error) {
      this.close();
      this.#opening = undefined;
      throw error;
    }
  }

  #connect(path: string): Connection {
    if (this.#own !== undefined) return this.#own;
    try {
      this.#own = new Database(path, { timeout: 0 }) as Connection;
      return this.#own;
    } catch (error) {
      if (isBusy(error) || !(error instanceof TypeError)) throw error;
      // better-sqlite3's own: the directory does not exist.
      throw new StoreError('invalid', `${path} cannot be opened: ${error.message}. Make its directory first`, {
        cause: error,
      });
    }
  }
}
