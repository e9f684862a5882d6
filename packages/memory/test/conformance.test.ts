import { MemoryStore } from '@motion-ts/memory';
import { conformance } from '@motion-ts/test-harness';
import { describe, test } from 'vitest';

conformance({
  describe,
  test,
  name: 'MemoryStore',
  open: async () => new MemoryStore(),
  supports: { sharedNamespace: false, durable: false, server: false },
});
