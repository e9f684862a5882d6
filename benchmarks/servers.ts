import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createTable } from '@motion-ts/dynamodb';
import { startDynamoDB, startPostgres, startRedis } from '@motion-ts/test-harness/servers';
import pg from 'pg';
import type { Contestant } from './subjects/index.js';

/** A server that was started for this run of the benchmarks. */
export interface Server {
  readonly url: string;
  /** Forgets what an earlier measurement left, where that is worth while. */
  reset?(): Promise<unknown>;
  stop(): Promise<void>;
}

type Kind = NonNullable<Contestant['server']>;

const starters: Readonly<Partial<Record<Kind, (durable: boolean) => Promise<Server>>>> = {
  async redis(durable) {
    const server = await startRedis({ appendonly: durable });
    return { url: server.url, reset: () => server.ask('FLUSHALL'), stop: () => server.stop() };
  },
  async postgres(durable) {
    const server = await startPostgres({ durable });
    return { url: server.url, reset: () => dropSchemas(server.url), stop: () => server.stop() };
  },
  // Amazon's server for tests, always in memory: some hundred requests a second.
  async dynamodb() {
    const server = await startDynamoDB();
    const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
    const client = new DynamoDBClient({ endpoint: server.url, region: 'local', credentials });
    await createTable(client, { tableName: 'motion' });
    client.destroy();
    return { url: server.url, stop: () => server.stop() };
  },
};

/** Drops the schemas of earlier measurements, so that no vacuum of theirs disturbs the next one. */
async function dropSchemas(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    "SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'motion-bench-%'",
  );
  for (const { name } of rows) await client.query(`DROP SCHEMA "${name}" CASCADE`);
  await client.query('CHECKPOINT');
  await client.end();
}

/**
 * Starts the servers that some contestants need, one of each kind.
 *
 * @param durable that an answered write outlives a power loss, by an fsync: Postgres as it is installed, Redis with an
 *   append-only file. Without, what is compared is the work and not the disk
 */
export async function startServers(needed: readonly Contestant[], durable: boolean): Promise<Map<Kind, Server>> {
  const servers = new Map<Kind, Server>();
  for (const kind of new Set(needed.map(({ server }) => server))) {
    if (kind === undefined) continue;
    const start = starters[kind];
    if (!start) throw new Error(`nobody knows how to start ${kind}`);
    servers.set(kind, await start(durable));
  }
  return servers;
}
