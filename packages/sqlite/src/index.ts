/** The SQLite store: one file, any number of processes of one machine. */
export type { Connection, Statement } from './connection.js';
export type { SqliteStoreOptions } from './options.js';
export { SqliteStore } from './sqlite-store.js';
