import type { MakeSubject } from '../subject.js';

/** A subject, and the bare program that it is held against. */
export interface Contestant {
  /** Its module is loaded only for it: a cold start must not load the drivers of others. */
  readonly load: () => Promise<MakeSubject>;
  readonly bare?: string;
  /** The server that it needs, started for the run; see `servers.ts`. */
  readonly server?: 'redis' | 'postgres' | 'dynamodb';
  /** A store of some hundred requests a second: a tenth of the calls does, to warm up and to measure. */
  readonly slow?: true;
}

export const contestants: Readonly<Record<string, Contestant>> = {
  'motion memory': { load: async () => (await import('./motion-memory.js')).motionOnMemory },
  'motion sqlite NORMAL': {
    load: async () => (await import('./motion-sqlite.js')).motionOnSqlite('NORMAL'),
    bare: 'bare sqlite NORMAL',
  },
  'bare sqlite NORMAL': { load: async () => (await import('./bare-sqlite.js')).bareSqlite('NORMAL') },
  'motion sqlite FULL': {
    load: async () => (await import('./motion-sqlite.js')).motionOnSqlite('FULL'),
    bare: 'bare sqlite FULL',
  },
  'bare sqlite FULL': { load: async () => (await import('./bare-sqlite.js')).bareSqlite('FULL') },
  'motion redis': {
    load: async () => (await import('./motion-redis.js')).motionOnRedis,
    bare: 'bare redis',
    server: 'redis',
  },
  'bare redis': { load: async () => (await import('./bare-redis.js')).bareRedis, server: 'redis' },
  'motion postgres': {
    load: async () => (await import('./motion-postgres.js')).motionOnPostgres,
    bare: 'bare postgres',
    server: 'postgres',
  },
  'bare postgres': { load: async () => (await import('./bare-postgres.js')).barePostgres, server: 'postgres' },
  'motion dynamodb': {
    load: async () => (await import('./motion-dynamodb.js')).motionOnDynamoDB,
    bare: 'bare dynamodb',
    server: 'dynamodb',
    slow: true,
  },
  'bare dynamodb': {
    load: async () => (await import('./bare-dynamodb.js')).bareDynamoDB,
    server: 'dynamodb',
    slow: true,
  },
};
