import { StoreError } from '@motion-ts/core/store';
import type { Cluster, Redis } from 'ioredis';
import type { Client } from './client.js';
import { messageOf } from './failure.js';
import { type Keys, LAYOUT } from './layout.js';

const OLDEST_MAJOR = 7;

/** Looks, before anything else is done, whether a server can be trusted with the data. */
export class StartUp {
  readonly #client: Client;
  readonly #keys: Keys;
  readonly #onWarning: (message: string) => void;
  #checking: Promise<void> | undefined;
  done = false;

  constructor(client: Client, keys: Keys, onWarning: (message: string) => void) {
    this.#client = client;
    this.#keys = keys;
    this.#onWarning = onWarning;
  }

  /**
   * Once for all who ask; again for those who ask after a failure.
   *
   * @throws StoreError `invalid`, or what ioredis rejects with
   */
  async check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #check(): Promise<void> {
    const client = this.#client;
    const servers = client.isCluster ? (client as Cluster).nodes('master') : [client as Redis];
    const looking = this.#layout();
    // What is wrong with a server explains why it does not answer that.
    looking.catch(() => {});
    const warnings = await Promise.all(
      servers.map(async (server) => warningsOf(await infoOf(server), client.isCluster)),
    );
    const layout = await looking;
    if (layout !== LAYOUT)
      throw new StoreError(
        'invalid',
        `the data in ${this.#keys.layout} has layout ${JSON.stringify(layout)}, and this version of @motion-ts/redis knows ${LAYOUT}: use the version that wrote it, or another namespace`,
      );
    for (const warning of new Set(warnings.flat())) this.#onWarning(`@motion-ts/redis: ${warning}`);
    this.done = true;
  }

  async #layout(): Promise<string | null> {
    const { layout } = this.#keys;
    const found = await this.#client.get(layout);
    if (found !== null) return found;
    await this.#client.set(layout, LAYOUT, 'NX');
    return this.#client.get(layout);
  }
}

/** Undefined if the user may not ask. */
async function infoOf(server: Redis): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    const lines = (await server.info()).split('\r\n');
    return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
  } catch (error) {
    if (messageOf(error).startsWith('NOPERM')) return undefined;
    throw error;
  }
}

/** @throws StoreError `invalid` for what would lose data or not work at all */
function warningsOf(info: ReadonlyMap<string, string> | undefined, clustered: boolean): string[] {
  if (info === undefined)
    return [
      'this user may not run INFO, so the version of the server, its eviction policy and its persistence are not checked',
    ];
  const version = info.get('redis_version') ?? '';
  if (!(Number.parseInt(version, 10) >= OLDEST_MAJOR))
    throw new StoreError('invalid', `the server is Redis ${version}; this store needs Redis 7 or Valkey`);
  // Valkey has a name of its own for that.
  if ((info.get('redis_mode') ?? info.get('server_mode')) === 'cluster' && !clustered)
    throw new StoreError('invalid', 'the server is part of a Redis Cluster: give RedisStore the option cluster');
  const warnings: string[] = [];
  const policy = info.get('maxmemory_policy') ?? '';
  // The policies "volatile-..." take only what has an expiry, which is the result cache.
  if (policy.startsWith('allkeys')) {
    const advice = `set maxmemory-policy noeviction (CONFIG SET maxmemory-policy noeviction, and in redis.conf)`;
    if (Number(info.get('maxmemory')) > 0)
      throw new StoreError('invalid', `with maxmemory-policy ${policy} the server would drop data: ${advice}`);
    warnings.push(`with maxmemory-policy ${policy} the server will drop data as soon as maxmemory is set: ${advice}`);
  }
  if (info.get('aof_enabled') === '0')
    warnings.push(
      'the server keeps no append-only file, so what was committed since its last snapshot is lost when it stops: set appendonly yes',
    );
  return warnings;
}
