import { join } from 'node:path';
import { SqliteStore } from '@motion-ts/sqlite';
import { runtimeSuite } from '@motion-ts/test-harness';
import { describe, test } from 'vitest';
import { temporaryDirectory } from './directory.js';

const directory = temporaryDirectory();

runtimeSuite({
  describe,
  test: (name, body) => test.concurrent(name, body, 90_000),
  name: 'SqliteStore',
  open: async (namespace) => new SqliteStore({ path: join(directory, `${namespace}.db`), synchronous: 'NORMAL' }),
});
