import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// Tests run against the sources; only the child processes that some start use what was built.
const alias = [
  { find: /^@motion-ts\/core$/, replacement: at('packages/core/src/index.ts') },
  { find: /^@motion-ts\/core\/store$/, replacement: at('packages/core/src/store/index.ts') },
  { find: /^@motion-ts\/memory$/, replacement: at('packages/memory/src/index.ts') },
  { find: /^@motion-ts\/sqlite$/, replacement: at('packages/sqlite/src/index.ts') },
  { find: /^@motion-ts\/test-harness$/, replacement: at('test-harness/src/index.ts') },
];

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias },
        test: {
          name: 'stores',
          include: ['packages/{memory,sqlite}/test/**/*.test.ts', 'test-harness/test/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
    ],
  },
});
