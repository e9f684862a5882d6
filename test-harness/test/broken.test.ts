import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteStore } from '@motion-ts/sqlite';
import { BROKEN_STORES, type BrokenStore, overLink, SimulatedLink } from '@motion-ts/test-harness';
import { afterAll, describe, expect, test } from 'vitest';
import { type RecordedCase, recordedCases } from './recorded.js';
import { SharedMemory } from './shared-memory.js';

const directory = mkdtempSync(join(tmpdir(), 'motion-broken-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The cases for a broken store; without one, for the good stores that they break. */
function casesFor(needs: BrokenStore['needs'], broken?: BrokenStore): RecordedCase[] {
  const name = broken?.name ?? 'good';
  // A broken store is waited for in vain; a good one may be slow on a busy machine.
  const patienceMs = broken === undefined ? 20_000 : 500;
  if (needs === 'process') {
    const argument = (namespace: string) => ({ path: join(directory, `${namespace}.db`), broken: broken?.name });
    return recordedCases({
      name,
      patienceMs: 20_000,
      open: async (namespace) => new SqliteStore({ path: argument(namespace).path, synchronous: 'NORMAL' }),
      process: { module: new URL('./open-broken.mjs', import.meta.url), argument },
    });
  }
  const memory = new SharedMemory();
  const link = new SimulatedLink();
  const { timeoutMs } = link;
  const faults = { timeoutMs, cut: () => link.cut(), hang: () => link.hang(), restore: () => link.restore() };
  return recordedCases({
    name,
    patienceMs,
    open: async (namespace) => {
      const good = memory.client(namespace);
      if (broken !== undefined) return broken.breakIt(good, link);
      return needs === 'faults' ? overLink(good, link) : good;
    },
    ...(needs === 'faults' && { faults }),
  });
}

const found: string[][] = [];

describe('the conformance suite catches a store that is wrong', () => {
  for (const broken of BROKEN_STORES)
    test(broken.name, async () => {
      const meant = casesFor(broken.needs, broken).filter((one) => one.name === broken.caughtBy);
      expect(meant.length, `cases called "${broken.caughtBy}"`).toBe(1);
      const failure: unknown = await meant[0]?.body().then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(failure, `"${broken.caughtBy}" passes`).toBeDefined();
      expect(failure).toMatchObject({ name: 'AssertionError' });
      found.push([broken.name, broken.caughtBy, (failure as Error).message.split('\n')[0] as string]);
    });

  for (const needs of [undefined, 'faults', 'process'] as const)
    test(`the same cases pass for the good store that they break${needs ? ` (${needs})` : ''}`, async () => {
      const names = new Set(BROKEN_STORES.filter((one) => one.needs === needs).map(({ caughtBy }) => caughtBy));
      for (const { name, body } of casesFor(needs)) if (names.has(name)) await body();
    });

  test('each kind of mistake is there', () => {
    expect(found.length).toBe(BROKEN_STORES.length);
    expect(new Set(BROKEN_STORES.map(({ name }) => name)).size).toBe(BROKEN_STORES.length);
    const width = Math.max(...found.map(([name]) => (name as string).length));
    console.log(
      found.map(([name, by, said]) => `${name?.padEnd(width)}  ${by}\n${' '.repeat(width)}    ${said}`).join('\n'),
    );
  });
});
