import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MemoryStore } from '@motion-ts/memory';
import type { ConformanceReport, Runner } from '@motion-ts/test-harness';
import { afterAll, describe, expect, test } from 'vitest';
import { recordedCases } from './recorded.js';

// Child processes run what was built.
const root = fileURLToPath(new URL('../../', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'motion-runners-'));
symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The piece of code of the README that begins with the name of its file. */
function codeOf(file: string): string {
  const readme = readFileSync(join(root, 'test-harness/README.md'), 'utf8');
  const code = readme.split('```js\n').find((block) => block.startsWith(`// ${file}\n`));
  if (code === undefined) throw new Error(`the README has no ${file}`);
  return code.slice(0, code.indexOf('```'));
}

/** Runs a file by `node --test`. */
function nodeTest(place: string, file: string): Promise<{ readonly code: number; readonly output: string }> {
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--test', '--test-reporter=tap', file],
      { cwd: place, env, maxBuffer: 64 * 2 ** 20 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
}

function place(name: string, files: Readonly<Record<string, string>>): string {
  const path = join(directory, name);
  mkdirSync(path, { recursive: true });
  for (const [file, code] of Object.entries(files)) writeFileSync(join(path, file), code);
  return path;
}

const LEVELS = ['interface and edges', 'atomicity', 'order', 'lock and fencing', 'durability', 'failure behaviour'];

describe('node:test', () => {
  test('runs the first example of the README, and prints the report', async () => {
    const at = place('first', { 'my-store.test.mjs': codeOf('my-store.test.mjs') });
    const { code, output } = await nodeTest(at, 'my-store.test.mjs');
    expect(output).toMatch(
      /MemoryStore against the store contract: CONFORMS in what it claims \(1\d\d passed, 0 failed/,
    );
    for (const level of LEVELS) expect(output).toContain(`  ${level}`);
    // All that the README shows of it but the figures of the random runs, which are others every time.
    const readme = readFileSync(join(root, 'test-harness/README.md'), 'utf8');
    const shown = /```\n(MemoryStore against the store contract[\s\S]*?)\n```/.exec(readme)?.[1]?.split('\n') ?? [];
    expect(shown.length).toBe(1 + LEVELS.length);
    for (const line of shown) expect(output).toContain(line.split('; 300 of')[0]);
    expect(output).toMatch(/order +\d+ passed; \d+ of 300 random runs/);
    expect(output).toMatch(/lock and fencing +\d+ passed, 1 not claimed: supports.durable is false/);
    expect(code).toBe(0);
  }, 120_000);

  test('runs the whole example of the README, and every level passes', async () => {
    const at = place('whole', {
      'certify.test.mjs': codeOf('certify.test.mjs'),
      // Stands for a server: a file, and a way to it that can fail.
      'my-server.mjs': `
        import { SimulatedLink } from '@motion-ts/test-harness';
        const link = new SimulatedLink(500);
        export const server = { url: ${JSON.stringify(directory)}, link, cut: () => link.cut(), hang: () => link.hang(), restore: () => link.restore(), crash: async () => {} };`,
      'my-store.mjs': `
        import { join } from 'node:path';
        import { SqliteStore } from '@motion-ts/sqlite';
        import { overLink } from '@motion-ts/test-harness';
        import { server } from './my-server.mjs';
        export const MyStore = function ({ url, namespace }) {
          return overLink(new SqliteStore({ path: join(url, namespace + '.db'), synchronous: 'NORMAL' }), server.link);
        };`,
      'open.mjs': `
        import { MyStore } from './my-store.mjs';
        export const open = (options) => new MyStore(options);`,
    });
    const { code, output } = await nodeTest(at, 'certify.test.mjs');

    const report = JSON.parse(readFileSync(join(at, 'conformance.json'), 'utf8')) as ConformanceReport;
    expect(report, output.slice(-3000)).toMatchObject({
      name: 'MyStore',
      conforms: true,
      failed: 0,
      notClaimed: 0,
      notRun: 0,
    });
    expect(report.levels.map(({ level }) => level)).toEqual(LEVELS);
    for (const { level, passed } of report.levels) expect(passed, level).toBeGreaterThan(1);
    expect(output).toMatch(/MyStore against the store contract: CONFORMS \(\d+ passed, 0 failed, 0 not claimed\)/);
    expect(code).toBe(0);
  }, 180_000);

  test('fails for a broken store, and the report names what failed', async () => {
    const at = place('broken', {
      'broken.test.mjs': `
        import { describe, test } from 'node:test';
        import { MemoryStore } from '@motion-ts/memory';
        import { BROKEN_STORES, conformance } from '@motion-ts/test-harness';
        const { breakIt } = BROKEN_STORES.find(({ name }) => name === 'AppendsOutOfOrder');
        conformance({
          describe, test, name: 'Broken', modelRuns: 3,
          open: async () => breakIt(new MemoryStore()),
          supports: { sharedNamespace: false, durable: false, server: false },
        });`,
    });
    const { code, output } = await nodeTest(at, 'broken.test.mjs');
    expect(code).toBe(1);
    expect(output).toMatch(/Broken against the store contract: DOES NOT CONFORM \(\d+ passed, \d+ failed/);
    expect(output).toMatch(/order +\d+ passed, \d+ FAILED/);
    expect(output).toContain('failed: appends: C5 appends are numbered from 1, dense and in order');
    expect(output).toMatch(/durability +\d+ not claimed: supports.durable is false/);
    expect(output).toMatch(/failure behaviour +\d+ not claimed: supports.server is false/);
  }, 120_000);
});

// biome-ignore lint/suspicious/noConfusingVoidType: as bun:test declares it
type BunBody = (done: (err?: unknown) => void) => void | Promise<unknown>;
/** As bun:test declares them. */
type BunDescribe = {
  (fn: () => void): void;
  (label: number | string | (() => void), fn: (...args: []) => void): void;
};
type BunTest = {
  (label: string, options: number | object, fn: BunBody): void;
  (label: string, fn: BunBody, options?: number | object): void;
};

describe('any runner', () => {
  test('may be that of vitest, node:test or bun:test', () => {
    // What the compiler checks: each of these pairs is a runner.
    type Fits<T extends Runner> = T;
    type Vitest = Fits<{ describe: typeof describe; test: typeof test }>;
    type Node = Fits<{ describe: typeof import('node:test').describe; test: typeof import('node:test').test }>;
    type Bun = Fits<{ describe: BunDescribe; test: BunTest }>;
    const kinds: readonly (keyof (Vitest & Node & Bun))[] = ['describe', 'test'];
    expect(kinds.length).toBe(2);
  });

  test('gets bodies without arguments and times that are long enough: some hand in a callback, or give up after 5 s', () => {
    const cases = recordedCases({ name: 'any', open: async () => new MemoryStore() });
    expect(cases.length).toBeGreaterThan(100);
    for (const { name, body, timeoutMs } of cases) {
      expect(body.length, name).toBe(0);
      if (name !== 'the report') expect(timeoutMs, name).toBeGreaterThanOrEqual(60_000);
    }
    expect(cases.at(-1)?.name).toBe('the report');
  });
});

test('the time of a case is beyond the budget of random runs', () => {
  const modelBudgetMs = 900_000;
  for (const { name, timeoutMs } of recordedCases({ name: 'any', open: async () => new MemoryStore(), modelBudgetMs }))
    if (name.includes('random')) expect(timeoutMs, name).toBeGreaterThan(modelBudgetMs);
});

describe('declarations that contradict each other are refused', () => {
  const open = async (): Promise<MemoryStore> => new MemoryStore();
  const process = { module: new URL('file:///open.mjs'), argument: () => ({}) };

  test('durable, but no process to show it', () => {
    expect(() => recordedCases({ name: 'x', open, supports: { durable: true } })).toThrow(
      /cannot be shown: give `process`/,
    );
  });
  test('not durable, and yet a process', () => {
    expect(() => recordedCases({ name: 'x', open, supports: { durable: false }, process })).toThrow(
      /leave one of them out/,
    );
  });
  test('no shared namespace, and yet a process', () => {
    expect(() => recordedCases({ name: 'x', open, supports: { sharedNamespace: false }, process })).toThrow(
      /leave one/,
    );
  });
  test('a server, but no faults to take it away; none, and yet faults', () => {
    const none = async (): Promise<void> => {};
    const faults = { timeoutMs: 1, cut: none, restore: none };
    expect(() => recordedCases({ name: 'x', open, supports: { server: true } })).toThrow(/give `faults`/);
    expect(() => recordedCases({ name: 'x', open, supports: { server: false }, faults })).toThrow(/leave one of them/);
  });
});
