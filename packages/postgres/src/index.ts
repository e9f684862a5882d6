export type { ConnectionOptions, PostgresStoreOptions } from './options.js';
export type { PgClient, PgPool, PgQuery } from './pg-shape.js';
export { PostgresStore } from './postgres-store.js';
export { SCHEMA_VERSION, schemaSql } from './schema.js';
