import { join } from 'node:path';
import { SqliteStore } from '@motion-ts/sqlite';
import { conformance, openInProcess } from '@motion-ts/test-harness';
import Database from 'better-sqlite3';
import { describe, test } from 'vitest';
import { temporaryDirectory } from './directory.js';

const directory = temporaryDirectory();
const fileOf = (kind: string, namespace: string): string => join(directory, `${kind}-${namespace}.db`);

conformance({
  describe,
  test,
  name: 'SqliteStore, two connections to a file',
  open: async (namespace) => new SqliteStore({ path: fileOf('file', namespace), synchronous: 'NORMAL' }),
  supports: { server: false },
  process: {
    module: new URL('./open.mjs', import.meta.url),
    argument: (namespace) => ({ path: fileOf('file', namespace), synchronous: 'NORMAL' }),
  },
});

conformance({
  describe,
  test,
  name: 'SqliteStore, in memory',
  open: async () => new SqliteStore({ path: ':memory:' }),
  supports: { sharedNamespace: false, durable: false, server: false },
});

const databases = new Map<string, Database.Database>();
conformance({
  describe,
  test,
  name: "SqliteStore, two stores on the caller's connection",
  open: async (namespace) => {
    const database = databases.get(namespace) ?? new Database(':memory:');
    databases.set(namespace, database);
    return new SqliteStore({ database });
  },
  supports: { durable: false, server: false },
});

let opened = 0;
conformance({
  describe,
  test,
  name: 'SqliteStore, two processes on a file',
  // The first client of a case is here, the second in a process of its own.
  open: async (namespace) => {
    const options = { path: fileOf('processes', namespace), synchronous: 'NORMAL' as const };
    if (opened++ % 2 === 0) return new SqliteStore(options);
    return openInProcess({ module: new URL('./open.mjs', import.meta.url), argument: options });
  },
  supports: { server: false },
});
