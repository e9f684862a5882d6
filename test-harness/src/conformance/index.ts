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
import { factory } from './factory.js';
import { get } from './get.js';
import { keys } from './keys.js';
import { lease } from './lease.js';
import { limits } from './limits.js';
import { list } from './list.js';
import { scan } from './scan.js';
import { type ConformanceOptions, type Fixture, fresh, type Group, type Supports } from './suite.js';
import { watch } from './watch.js';

export type { ConformanceOptions, Runner, Supports } from './suite.js';

/** In this order: what later groups rely on comes first. */
const GROUPS: Record<string, Group> = {
  'the factory': factory,
  get,
  checks,
  appends,
  due,
  scan,
  list,
  drop,
  'keys and values': keys,
  copies,
  atomicity,
  concurrency,
  limits,
  cache,
  watch,
  close,
  lease,
};

/**
 * The conformance suite: the definition of a correct store. Registers its cases with a test runner.
 *
 * @param options the runner, the store's name, how to open it, and what it declares not to do
 * @example
 * import { describe, test } from 'vitest';
 * import { conformance } from '@motion-ts/test-harness';
 *
 * conformance({ describe, test, name: 'mine', open: async (namespace) => new MyStore({ namespace }) });
 */
export function conformance(options: ConformanceOptions): void {
  const { describe, test, name } = options;
  const supports: Required<Supports> = { sharedNamespace: true, watch: true, scanLagMs: 0, ...options.supports };
  const namespace = fresh('conformance');
  describe(`${name} conforms to the store contract`, () => {
    for (const [title, group] of Object.entries(GROUPS))
      describe(title, () =>
        group((caseName, body) => {
          test(caseName, () => run(options, supports, namespace, body));
        }, supports),
      );
  });
}

async function run(
  options: ConformanceOptions,
  supports: Required<Supports>,
  namespace: string,
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
    const other = supports.sharedNamespace ? await open() : store;
    await body({ store, other, partition: fresh('p'), open });
  } finally {
    // What a case closed may be closed again: that is part of the contract.
    await Promise.allSettled(opened.map((store) => store.close()));
  }
}
