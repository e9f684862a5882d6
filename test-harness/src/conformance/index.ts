import type { Store } from '@motion-ts/core/store';
import { appends } from './appends.js';
import { atomicity } from './atomicity.js';
import { cache } from './cache.js';
import { checks } from './checks.js';
import { Clients, closeAll, openPair } from './clients.js';
import { close } from './close.js';
import { concurrency } from './concurrency.js';
import { copies } from './copies.js';
import { crashes } from './crashes.js';
import { drop } from './drop.js';
import { due } from './due.js';
import { durability } from './durability.js';
import { factory } from './factory.js';
import { get } from './get.js';
import { keys } from './keys.js';
import { lease } from './lease.js';
import { limits } from './limits.js';
import { list } from './list.js';
import {
  type ConformanceOptions,
  type Fixture,
  type Group,
  type Need,
  notClaimed,
  type Terms,
  termsOf,
} from './options.js';
import { outages } from './outages.js';
import { randomRuns } from './random-runs.js';
import { type CaseRecord, formatReport, type Level, reportOf } from './report.js';
import { scan } from './scan.js';
import { fresh } from './suite.js';
import { underWay } from './under-way.js';
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
  ['crashes of the server', 'durability', crashes],
  ['outages', 'failure behaviour', outages],
  ['commits under way', 'failure behaviour', underWay],
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
  const clients = new Clients(() => options.open(namespace), terms);
  const suite: Suite = { options, terms, namespace, clients };
  const timeoutMs = caseTimeoutMs(terms) + (options.modelBudgetMs ?? 0);
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
            test(caseName, () => recorded(record, () => run(suite, needs, note, body)), timeoutMs);
          });
      }, terms);
      // To some runners a group without cases is a mistake.
      if (register.length > 0)
        describe(title, () => {
          for (const one of register) one();
        });
    }
    test('the report', async () => {
      await clients.close();
      const report = reportOf(name, cases, figures);
      console.log(formatReport(report));
      options.report?.(report);
    });
  });
}

/**
 * Runners end a case after a few seconds if they are not told otherwise: not enough for a slow server. Random runs have
 * their budget beside.
 */
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

/** Cases that take the server away have clients of their own. */
const OWN_CLIENTS: ReadonlySet<Need> = new Set<Need>(['faults', 'hang', 'crash']);

interface Suite {
  readonly options: ConformanceOptions;
  readonly terms: Terms;
  readonly namespace: string;
  readonly clients: Clients;
}

async function run(
  { options, terms, namespace, clients }: Suite,
  needs: readonly Need[],
  note: Fixture['note'],
  body: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  const opened: Store[] = [];
  const open = async (of: string = namespace): Promise<Store> => {
    const store = await options.open(of);
    opened.push(store);
    return store;
  };
  const own = needs.some((need) => OWN_CLIENTS.has(need));
  let passed = false;
  try {
    const [store, other] = own ? await openPair(open, terms) : await clients.get();
    await body({ store, other, partition: fresh('p'), namespace, open, options, note });
    passed = true;
  } finally {
    await closeAll(opened, terms);
    if (!own) await clients.release(passed);
  }
}
