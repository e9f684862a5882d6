import { readFileSync } from 'node:fs';
import type { Store } from '@motion-ts/core/store';
import { MemoryStore } from '@motion-ts/memory';
import { BROKEN_STORES, type BrokenStore, type ConformanceReport } from '@motion-ts/test-harness';
import { describe, expect, test } from 'vitest';
import { type RecordedCase, recordedCases } from './recorded.js';
import { SharedMemory } from './shared-memory.js';

/** The cases with random runs, the one with single calls first. */
function randomCases(
  open: (namespace: string) => Store,
  options: Partial<Parameters<typeof recordedCases>[0]> = {},
): RecordedCase[] {
  const supports = { sharedNamespace: false };
  return recordedCases({
    name: 'drawn',
    open: async (namespace) => open(namespace),
    supports,
    seed: 42,
    ...options,
  }).filter(({ name }) => name.startsWith('C2 random'));
}

/** What the first of the cases that fails says. */
async function messageOf(cases: readonly RecordedCase[]): Promise<string | undefined> {
  for (const { body } of cases)
    try {
      await body();
    } catch (error) {
      return (error as Error).message;
    }
  return undefined;
}

const broken = (name: string): ((namespace: string) => Store) => {
  const found = BROKEN_STORES.find((store) => store.name === name);
  if (found === undefined) throw new Error(`no broken store is called ${name}`);
  const memory = new SharedMemory();
  return (namespace) => found.breakIt(memory.client(namespace));
};

describe('random runs find by themselves', () => {
  // Not those that need a clock, a close, a watch, a limit, an outage or another process.
  for (const name of [
    'AbsenceNotChecked',
    'AppendsOutOfOrder',
    'BytesNotCopiedIn',
    'BytesNotCopiedOut',
    'CacheAcrossPartitions',
    'CacheClearLazy',
    'ChecksIgnored',
    'ChecksThenWrites',
    'ConflictThrown',
    'DropKeepsSeq',
    'DueAlwaysSet',
    'DueByTheClientsClock',
    'DueInThirtyTwoBits',
    'DueLost',
    'EmptyValueLost',
    'ErrorSwallowed',
    'ErrorsOfItsOwn',
    'KeysWithoutCase',
    'KnownByRevisionAlone',
    'ListAsPattern',
    'ListBehindIncludes',
    'ListLags',
    'ListPageSkips',
    'ListUnordered',
    'OneCheckPerKey',
    'PartsApart',
    'RefusalSetsDue',
    'ResendApplied',
    'SeqIsIgnored',
    'SeqWithGaps',
    'ShardIgnored',
    'SnapshotTorn',
    'StaleHolderAllowed',
    'StaleRead',
  ])
    test(name, async () => {
      const message = await messageOf(randomCases(broken(name), { supports: {} }));
      expect(message).toContain('the store does not do as the model does');
    });
});

describe('a failed run', () => {
  test('is made small, tells every call, and is played again by what it printed', async () => {
    const message = await messageOf(randomCases(broken('SeqIsIgnored')));
    const [, seed] = /MOTION_SEED=(\S+?),/.exec(message ?? '') ?? [];
    expect(message?.split('\n').length).toBeLessThan(8);
    expect(message).toContain('check seq is');
    expect(await messageOf(randomCases(broken('SeqIsIgnored'), { seed: seed as string }))).toContain(
      message?.slice(message.indexOf('\n'), message.indexOf('Play just')),
    );
    expect(await messageOf(randomCases(() => new MemoryStore(), { seed: seed as string }))).toBeUndefined();
  });

  test('is in the README as it is printed', async () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const shown = /```\n(the store does not do as the model does[\s\S]*?)\n```/.exec(readme)?.[1];
    const { breakIt } = BROKEN_STORES.find(({ name }) => name === 'ResendApplied') as BrokenStore;
    expect(await messageOf(randomCases(() => breakIt(new MemoryStore()), { seed: 7 }))).toBe(shown);
  });

  test('comes again by the number alone', async () => {
    const [first, second] = [
      await messageOf(randomCases(broken('DueLost'))),
      await messageOf(randomCases(broken('DueLost'))),
    ];
    expect(first).toBe(second);
    expect(await messageOf(randomCases(broken('DueLost'), { seed: 43 }))).not.toBe(first);
  });

  test('takes its seed from the environment, and refuses one that is none', async () => {
    const before = process.env['MOTION_SEED'];
    try {
      process.env['MOTION_SEED'] = 'not a seed';
      expect(await messageOf(randomCases(() => new MemoryStore(), { seed: undefined as never }))).toContain(
        'seed "not a seed" is neither a number',
      );
    } finally {
      if (before === undefined) delete process.env['MOTION_SEED'];
      else process.env['MOTION_SEED'] = before;
    }
  });
});

describe('the number of runs', () => {
  const figures = async (options: Partial<Parameters<typeof recordedCases>[0]>): Promise<string> => {
    let report: ConformanceReport | undefined;
    const all = recordedCases({
      name: 'counted',
      open: async () => new MemoryStore(),
      supports: { sharedNamespace: false },
      report: (given) => {
        report = given;
      },
      ...options,
    });
    for (const { name, body } of all) if (name.startsWith('C2 random') || name === 'the report') await body();
    return report?.levels.flatMap((level) => level.figures).join('; ') ?? '';
  };

  test('is what was asked for', async () => {
    expect(await figures({ modelRuns: 30, modelBudgetMs: 60_000 })).toMatch(/30 of 30 random .* 10 of 10 with/);
  });

  test('is a fifteenth at least when there is no time', async () => {
    expect(await figures({ modelRuns: 60, modelBudgetMs: 0 })).toMatch(/4 of 60 random .* 2 of 20 with/);
  });
});
