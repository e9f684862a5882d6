import { MemoryStore } from '@motion-ts/memory';
import { runtimeSuite } from '@motion-ts/test-harness';
import { describe, test } from 'vitest';

runtimeSuite({
  describe,
  test: (name, body) => test.concurrent(name, body, 90_000),
  name: 'MemoryStore',
  open: async () => new MemoryStore(),
  supports: { sharedNamespace: false },
});
