import { type ConformanceReport, conformance, overLink, SimulatedLink } from '@motion-ts/test-harness';
import { describe, expect, test } from 'vitest';
import { recordedCases } from './recorded.js';
import { type Applied, SharedMemory } from './shared-memory.js';

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
    crash: (namespace) => memory.crash(namespace, (applied) => applied),
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
    expect(levels['durability']).toMatchObject({ passed: 1, failed: [] });
    expect(new Set(levels['durability']?.notClaimed.map(({ because }) => because))).toEqual(
      new Set(['no `process` was given']),
    );
    expect(report?.passed).toBeGreaterThan(150);
  });
});

describe('a crash of the server', () => {
  const CASE = 'C7 what a crash of the server leaves is a prefix: entries, seq and due of one and the same commit';
  /** Runs the case on a server that keeps some of its commits when it crashes. */
  const crashing = async (
    left: (applied: readonly Applied[]) => readonly Applied[],
    crashLoses?: 'tail',
  ): Promise<unknown> => {
    const shared = new SharedMemory();
    const none = async (): Promise<void> => {};
    const found = recordedCases({
      name: 'crashing',
      open: async (namespace) => shared.client(namespace),
      supports: crashLoses === undefined ? {} : { crashLoses },
      faults: { timeoutMs: 0, cut: none, restore: none, crash: (namespace) => shared.crash(namespace, left) },
    }).find(({ name }) => name === CASE);
    return found?.body().then(
      () => 'passed',
      (error: Error) => error.message.split('\n')[0],
    );
  };
  const without = (part: 'due' | 'appends', applied: readonly Applied[]): readonly Applied[] =>
    applied.map(([partition, { [part]: _, ...rest }]) => [partition, rest]);

  test('may lose nothing, or the tail if that is declared', async () => {
    expect(await crashing((applied) => applied)).toBe('passed');
    expect(await crashing((applied) => applied.slice(0, -2))).toMatch(/commits were acknowledged/);
    expect(await crashing((applied) => applied.slice(0, -2), 'tail')).toBe('passed');
    expect(await crashing(() => [], 'tail')).toBe('passed');
  });

  test('may lose nothing out of the middle, and no part of a commit', async () => {
    expect(await crashing((applied) => applied.filter((_, i) => i !== 2), 'tail')).toBe(
      'seq and the counter rise in one commit',
    );
    expect(await crashing((applied) => without('appends', applied), 'tail')).toBe(
      'seq and the counter rise in one commit',
    );
    expect(await crashing((applied) => without('due', applied), 'tail')).toMatch(/dueIn is null/);
  });
});

test('every clause of the contract has cases that name it', () => {
  const none = async (): Promise<void> => {};
  const names = recordedCases({
    name: 'any',
    open: async () => memory.client('any'),
    process: { module: new URL('file:///open.mjs'), argument: () => ({}) },
    faults: { timeoutMs: 0, cut: none, hang: none, restore: none, crash: none },
  }).map(({ name }) => name);
  expect(names.length).toBeGreaterThan(160);
  for (let clause = 1; clause <= 12; clause++)
    expect(names.filter((name) => name.startsWith(`C${clause} `)).length, `C${clause}`).toBeGreaterThan(0);
});
