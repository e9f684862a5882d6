import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import { defineConfig, type Plugin, type TestProjectConfiguration } from 'vitest/config';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// Tests run against the sources; only the child processes that some start use what was built.
const alias = [
  { find: /^@motion-ts\/core$/, replacement: at('packages/core/src/index.ts') },
  { find: /^@motion-ts\/core\/store$/, replacement: at('packages/core/src/store/index.ts') },
  { find: /^@motion-ts\/core\/reflect$/, replacement: at('packages/core/src/reflect.ts') },
  { find: /^@motion-ts\/memory$/, replacement: at('packages/memory/src/index.ts') },
  { find: /^@motion-ts\/sqlite$/, replacement: at('packages/sqlite/src/index.ts') },
  { find: /^@motion-ts\/redis$/, replacement: at('packages/redis/src/index.ts') },
  { find: /^@motion-ts\/postgres$/, replacement: at('packages/postgres/src/index.ts') },
  { find: /^@motion-ts\/dynamodb$/, replacement: at('packages/dynamodb/src/index.ts') },
  { find: /^@motion-ts\/test-harness$/, replacement: at('test-harness/src/index.ts') },
  { find: /^@motion-ts\/test-harness\/servers$/, replacement: at('test-harness/src/servers/index.ts') },
  { find: /^@motion-ts\/test-harness\/simulation$/, replacement: at('test-harness/src/simulation/index.ts') },
];

/** Vite 8 leaves standard decorators in the output: esbuild lowers them first. */
const standardDecorators: Plugin = {
  name: 'standard-decorators',
  enforce: 'pre',
  async transform(code, id) {
    if (!/\.[cm]?ts$/.test(id) || !/(^|[\s{;(])@[A-Za-z_$]/.test(code)) return undefined;
    return transform(code, { loader: 'ts', target: 'es2022', sourcefile: id, sourcemap: true, tsconfigRaw: '{}' });
  },
};

declare module 'vitest' {
  export interface ProvidedContext {
    decorators: 'legacy' | 'standard';
    /** Where the server of a store's tests is: `redis://...`, `postgres://...` or `http://...`. */
    serverUrl: string;
  }
}

/**
 * Real processes, signals and servers on a busy machine: what fails by chance is repeated once, told as such, and is to be
 * mended. What runs by seed fails twice; by night there is no second chance.
 */
const retry = process.env['MOTION_NIGHTLY'] === '1' ? 0 : 1;

/** The tests of a store that needs a server: one for all of them, brought by its global set-up. */
const onServer = (name: string): TestProjectConfiguration => ({
  resolve: { alias },
  oxc: { decorator: { legacy: true } },
  test: {
    name,
    include: [`packages/${name}/test/**/*.test.ts`],
    globalSetup: `packages/${name}/test/global-setup.ts`,
    testTimeout: 30_000,
    retry,
  },
});

export default defineConfig({
  test: {
    // Many tests wait: for a lease to end, for a server that hangs, for a process to start.
    maxWorkers: availableParallelism() + 1,
    projects: [
      // Core's tests run with both kinds of decorators; the slow ones, `*.once.test.ts`, with one.
      {
        resolve: { alias },
        oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
        test: {
          name: 'core-legacy',
          include: ['packages/core/test/**/*.test.ts'],
          provide: { decorators: 'legacy' },
          testTimeout: 30_000,
          retry,
        },
      },
      {
        resolve: { alias },
        plugins: [standardDecorators],
        test: {
          name: 'core-standard',
          include: ['packages/core/test/**/*.test.ts'],
          exclude: ['**/*.once.test.ts', '**/node_modules/**'],
          provide: { decorators: 'standard' },
          testTimeout: 30_000,
          retry,
        },
      },
      {
        resolve: { alias },
        oxc: { decorator: { legacy: true } },
        test: {
          name: 'stores',
          include: ['packages/{memory,sqlite}/test/**/*.test.ts', 'test-harness/test/**/*.test.ts'],
          testTimeout: 30_000,
          retry,
        },
      },
      onServer('redis'),
      onServer('postgres'),
      onServer('dynamodb'),
      {
        resolve: { alias },
        oxc: { decorator: { legacy: true } },
        test: { name: 'examples', include: ['examples/test/**/*.test.ts'], testTimeout: 60_000, retry },
      },
    ],
  },
});
