import { StoreError } from '@motion-ts/core/store';
import type { Connections } from './connections.js';
import { isMissing, storeError } from './failure.js';
import type { CheckedOptions } from './options.js';
import { SCHEMA_VERSION, schemaSql } from './schema.js';
import type { Statements } from './statements.js';

/** Makes sure that the schema is there, once for all who ask, and again for those who ask after a failure. */
export class Opener {
  readonly #options: CheckedOptions;
  readonly #connections: Connections;
  readonly #statements: Statements;
  #opening: Promise<void> | undefined;

  constructor(options: CheckedOptions, connections: Connections, statements: Statements) {
    this.#options = options;
    this.#connections = connections;
    this.#statements = statements;
  }

  /** @throws StoreError `invalid`, `unavailable` */
  open(deadline: number): Promise<void> {
    this.#opening ??= this.#open(deadline).catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** The schema turned out to be gone: who asks next looks again. */
  forget(): void {
    this.#opening = undefined;
  }

  async #open(deadline: number): Promise<void> {
    const { namespace, createSchema } = this.#options;
    const { where } = this.#connections;
    try {
      let version = await this.#version(deadline);
      if (version === undefined && createSchema) {
        await this.#connections.run({ name: '', text: schemaSql(namespace) }, [], deadline);
        version = await this.#version(deadline);
      }
      if (version === undefined)
        throw new StoreError(
          'invalid',
          `there is no schema "${namespace}" of Motion in ${where}; run schemaSql('${namespace}') of @motion-ts/postgres as its owner`,
        );
      if (version !== SCHEMA_VERSION)
        throw new StoreError(
          'invalid',
          `schema "${namespace}" in ${where} has version ${version} and this package writes ${SCHEMA_VERSION}; use the version of @motion-ts/postgres that made it`,
        );
    } catch (error) {
      // Making the schema may be repeated, so a missing answer leaves nothing in doubt.
      throw storeError(error, `opening schema "${namespace}"`, where, false);
    }
  }

  async #version(deadline: number): Promise<number | undefined> {
    try {
      const [row] = await this.#connections.run(this.#statements.version, [], deadline);
      return Number(row?.[0] ?? 0);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }
}
