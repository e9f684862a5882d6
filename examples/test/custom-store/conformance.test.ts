import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chaos, conformance, openInProcess } from '@motion-ts/test-harness';
import { afterAll, describe, expect, test } from 'vitest';
import { LogStore } from '../../custom-store/log-store.js';

const directory = mkdtempSync(join(tmpdir(), 'log-store-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

// #region one
conformance({
  describe,
  test,
  name: 'LogStore, two clients in one process',
  open: async (namespace) => new LogStore({ path: join(directory, `${namespace}.log`) }),
});
// #endregion

// #region two
// Plain JavaScript that exports `open(argument)`, for processes of their own.
const module = new URL('./open.mjs', import.meta.url);
const argument = (namespace: string) => ({ path: join(directory, `processes-${namespace}.log`) });

let opened = 0;
conformance({
  describe,
  test,
  name: 'LogStore, two processes',
  // The first client of a case is here, the second in a process of its own.
  open: async (namespace) =>
    opened++ % 2 === 0 ? new LogStore(argument(namespace)) : openInProcess({ module, argument: argument(namespace) }),
  process: { module, argument },
});
// #endregion

describe('LogStore under attack', () => {
  // #region chaos
  test('loses, doubles and reorders nothing while its processes are killed and paused', async () => {
    const store = { module, argument: argument('chaos') };
    const { problems } = await chaos({ store, updates: 200, kills: 12, pauses: 2 });
    expect(problems).toEqual([]);
  }, 180_000);
  // #endregion
});
