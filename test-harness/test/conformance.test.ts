import { type ConformanceReport, conformance, overLink, SimulatedLink } from '@motion-ts/test-harness';
import { describe, expect, test } from 'vitest';
import { SharedMemory } from './shared-memory.js';

const memory = new SharedMemory();
const link = new SimulatedLink();
let report: ConformanceReport | undefined;

conformance({
  describe,
  test,
  name: 'a memory store over a link that fails',
  open: async (namespace) => overLink(memory.client(namespace), link),
  faults: {
    timeoutMs: link.timeoutMs,
    cut: () => link.cut(),
    hang: () => link.hang(),
    restore: () => link.restore(),
  },
  report: (given) => {
    report = given;
  },
});

describe('the report', () => {
  test('tells what passed in each level, and why the rest was not claimed', () => {
    expect(report).toMatchObject({ conforms: true, failed: 0, notRun: 0 });
    const levels = Object.fromEntries(report?.levels.map((level) => [level.level, level]) ?? []);
    for (const level of ['interface and edges', 'atomicity', 'order', 'lock and fencing', 'failure behaviour'])
      expect(levels[level]?.passed, level).toBeGreaterThan(5);
    expect(levels['durability']).toMatchObject({ passed: 0, failed: [] });
    expect(new Set(levels['durability']?.notClaimed.map(({ because }) => because))).toEqual(
      new Set(['no `process` was given']),
    );
    expect(report?.passed).toBeGreaterThan(140);
  });
});
