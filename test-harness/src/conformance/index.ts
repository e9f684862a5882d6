import type { Store } from '@motion-ts/core/store';
import { appends } from './appends.js';
import { atomicity } from './atomicity.js';
import { cache } from './cache.js';
import { checks } from './checks.js';
import { close } from './close.js';
import { concurrency } from './concurrency.js';
import { copies } from './copies.js';
import { drop } from './drop.js';
import { due } from './due.js';
import { durability } from './durability.js';
import { factory } from './factory.js';
import { get } from './get.js';
import { keys } from './keys.js';
import { lease } from './lease.js';
import { limits } from './limits.js';
import { list } from './list.js';
import { type ConformanceOptions, type Fixture, type Group, notClaimed, type Terms, termsOf } from './options.js';
import { outages } from './outages.js';
import { randomRuns } from './random-runs.js';
import { type CaseRecord, formatReport, type Level, reportOf } from './report.js';
import { scan } from './scan.js';
import { fresh, settles } from './suite.js';
import { visibility } from './visibility.js';
import { watch } from './watch.js';

export type { ConformanceOptions, Faults, ProcessOptions, Runner, Supports } from './options.js';
export { type ConformanceReport, type FailedCase, formatReport, type Level, type LevelReport } from './report.js';

/** In this order: what later groups rely on comes first. */
const GROUPS: readonly (readonly [title: string, level: Level, group: Group])[] = [
  ['the factory', 'interface and edges', factory],
  ['get', 'interface and edges', get],
  ['checks', 'order', checks],
  ['appends', 'order', appends],
  ['due', 'atomicity', due],
  ['scan', 'interface and edges', scan],
  ['list', 'interface and edges', list],
  ['drop', 'atomicity', drop],
  ['keys and values', 'interface and edges', keys],
  ['copies', 'interface and edges', copies],
  ['visibility', 'order', visibility],
  ['atomicity', 'atomicity', atomicity],
  ['concurrency', 'order', concurrency],
  ['random runs', 'order', randomRuns],
  ['limits', 'interface and edges', limits],
  ['cache', 'interface and edges', cache],
  ['watch', 'interface and edges', watch],
  ['close', 'interface and edges', close],
  ['lease', 'lock and fencing', lease],
  ['killed processes', 'durability', durability],
  ['outages', 'failure behaviour', outages],
];

/**
 * The conformance suite: the definition of a correct store. Registers its cases with a test runner; a last one prints
 * the report.
 *
 * @param options the runner, the store's name, how to open it, and what it declares not to do
 * @throws TypeError for options that contradict each other
 * @example
 * import { describe, test } from 'vitest';
 * import { conformance } from '@motion-ts/test-harness';
 *
 * conformance({ describe, test, name: 'mine', open: async (namespace) => new MyStore({ namespace }) });
 */
export function conformance(options: ConformanceOptions): void {
  const { describe, test, name } = options;
  const terms = termsOf(options);
  const namespace = fresh('conformance');
  const timeoutMs = caseTimeoutMs(terms);
  const cases: CaseRecord[] = [];
  const figures: Map<Level, string[]> = new Map();
  describe(`${name} conforms to the store contract`, () => {
    for (const [title, level, group] of GROUPS) {
      const register: (() => void)[] = [];
      const note = (figure: string): void => void figures.set(level, [...(figures.get(level) ?? []), figure]);
      group((caseName, body, ...needs) => {
        const record: CaseRecord = { level, title: `${title}: ${caseName}`, outcome: 'not run' };
        cases.push(record);
        const because = needs.map((need) => notClaimed(need, options)).find((reason) => reason !== undefined);
        if (because !== undefined) record.outcome = { because };
        else
          register.push(() => {
            test(caseName, () => recorded(record, () => run(options, terms, namespace, note, body)), timeoutMs);
          });
      }, terms);
      // To some runners a group without cases is a mistake.
      if (register.length > 0)
        describe(title, () => {
          for (const one of register) one();
        });
    }
    test('the report', async () => {
      const report = reportOf(name, cases, figures);
      console.log(formatReport(report));
      options.report?.(report);
    });
  });
}

/** Runners end a case after a few seconds if they are not told otherwise: not enough for a slow server. */
function caseTimeoutMs({ scanLagMs, patienceMs, timeoutMs }: Terms): number {
  return 60_000 + 10 * (scanLagMs + patienceMs + timeoutMs);
}

async function recorded(record: CaseRecord, body: () => Promise<void>): Promise<void> {
  // Until it says otherwise: the runner may give it up.
  record.outcome = { error: new Error('it did not end') };
  try {
    await body();
    record.outcome = 'passed';
  } catch (error) {
    record.outcome = { error };
    throw error;
  }
}

async function run(
  options: ConformanceOptions,
  terms: Terms,
  namespace: string,
  note: Fixture['note'],
  body: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  const opened: Store[] = [];
  const open = async (of: string = namespace): Promise<Store> => {
    const store = await options.open(of);
    opened.push(store);
    return store;
  };
  try {
    const store = await open();
    const other = terms.sharedNamespace ? await open() : store;
    await body({ store, other, partition: fresh('p'), namespace, open, options, note });
  } finally {
    // What a case closed may be closed again: that is part of the contract. One that never closes fails its own case.
    const closing = Promise.allSettled(opened.map(async (store) => store.close()));
    await settles('closing', closing, terms.patienceMs + terms.timeoutMs).catch(() => {});
  }
}
