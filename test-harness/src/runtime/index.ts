import { fresh, settles } from '../conformance/suite.js';
import { big } from './big.js';
import { cache } from './cache.js';
import { calls } from './calls.js';
import { closing } from './closing.js';
import { commits } from './commits.js';
import { creation } from './creation.js';
import { damages } from './damage.js';
import { deadLetters } from './dead-letters.js';
import { discards } from './discards.js';
import { failures } from './failures.js';
import { handOver } from './handover.js';
import { idempotency } from './idempotency.js';
import { instances } from './instances.js';
import { Place } from './place.js';
import { serves } from './serves.js';
import { state } from './state.js';
import { streams } from './streams.js';
import type { Group, RuntimeSuiteOptions } from './suite.js';
import { updates } from './updates.js';
import { values } from './values.js';
import { workers } from './workers.js';

export type { RuntimeSuiteOptions } from './suite.js';

const GROUPS: Record<string, Group> = {
  'making instances': creation,
  serves,
  'calls, their props and signals': calls,
  streams,
  updates,
  'commits and waiting': commits,
  'failures and retries': failures,
  'dead letters': deadLetters,
  'discard policies': discards,
  'idempotency keys': idempotency,
  'the state': state,
  'the result cache': cache,
  values,
  'big state': big,
  'listing, inspecting, clearing': instances,
  workers,
  'hand-over and outages': handOver,
  closing,
  'damaged and foreign entries': damages,
};

/** Milliseconds for a case, if not told otherwise. */
const CASE_MS = 60_000;

/**
 * The runtime suite: what components are promised, on the store that is given. {@link conformance} says whether a store is
 * right; this says that components on it behave as documented. Registers its cases with a test runner. Every case has a
 * namespace of its own, so they may also run at the same time.
 *
 * @param options the runner, the store's name, how to open it, and what it declares not to do
 * @example
 * import { describe, test } from 'vitest';
 * import { runtimeSuite } from '@motion-ts/test-harness';
 *
 * runtimeSuite({
 *   describe,
 *   test: (name, body) => test(name, body, 90_000),
 *   name: 'mine',
 *   open: async (namespace) => new MyStore({ namespace }),
 * });
 */
export function runtimeSuite(options: RuntimeSuiteOptions): void {
  const { describe, test, name } = options;
  const { sharedNamespace = true, watch = true } = options.supports ?? {};
  describe(`components on ${name}`, () => {
    for (const [title, group] of Object.entries(GROUPS))
      describe(title, () =>
        group(
          (caseName, body) => {
            test(caseName, () => run(options, sharedNamespace, body));
          },
          { watch },
        ),
      );
  });
}

async function run(
  { open, timeoutMs = CASE_MS }: RuntimeSuiteOptions,
  sharedNamespace: boolean,
  body: (place: Place) => Promise<void>,
): Promise<void> {
  const namespace = fresh('runtime');
  const place = new Place(() => open(namespace), sharedNamespace);
  try {
    await settles('the case', body(place), timeoutMs);
  } catch (error) {
    // What hangs, hangs in the end as well: the first error says more.
    await place.end().catch(() => {});
    throw error;
  }
  await place.end();
}
