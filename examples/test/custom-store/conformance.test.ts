import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chaos, conformance, openInProcess } from '@motion-ts/test-harness';
import { afterAll, describe, expect, test } from 'vitest';
import { LogStore } from '../../custom-store/log-store.js';

const directory = mkdtempSync(join(tmpdir(), 'log-store-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const module = new URL('./open.mjs', import.meta.url);

conformance({
  describe,
  test,
  name: 'LogStore, two clients in one process',
  open: async (namespace) => new LogStore({ path: join(directory, `one-${namespace}.log`) }),
});

let opened = 0;
conformance({
  describe,
  test,
  name: 'LogStore, two processes',
  // The first client of a case is here, the second in a process of its own.
  open: async (namespace) => {
    const argument = { path: join(directory, `two-${namespace}.log`) };
    return opened++ % 2 === 0 ? new LogStore(argument) : openInProcess({ module, argument });
  },
});

describe('LogStore under attack', () => {
  test('loses, doubles and reorders nothing while its processes are killed and paused', async () => {
    const argument = { path: join(directory, 'chaos.log') };
    const { problems } = await chaos({ store: { module, argument }, updates: 200, kills: 12, pauses: 2 });
    expect(problems).toEqual([]);
  }, 180_000);
});
