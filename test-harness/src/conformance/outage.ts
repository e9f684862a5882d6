import type { Store } from '@motion-ts/core/store';
import type { Faults, Fixture, Need, Terms } from './options.js';
import { change, eventually, settles } from './suite.js';

/** A way to take the server away. */
export interface Outage {
  /** What the server is then, for the titles. */
  readonly server: string;
  readonly needs: readonly Need[];
  /** Runs something while the server is away; brings it back whatever happens. */
  readonly during: (fixture: Fixture, run: () => Promise<void>) => Promise<void>;
}

function outage(
  server: string,
  needs: readonly Need[],
  begin: (faults: Faults, namespace: string) => Promise<void> | undefined,
): Outage {
  const during: Outage['during'] = async ({ options, namespace }, run) => {
    const faults = options.faults as Faults;
    try {
      await begin(faults, namespace);
      await run();
    } finally {
      await faults.restore(namespace);
    }
  };
  return { server, needs, during };
}

export const OUTAGES: readonly Outage[] = [
  outage('unreachable', ['faults'], (faults, namespace) => faults.cut(namespace)),
  outage('silent', ['faults', 'hang'], (faults, namespace) => faults.hang?.(namespace)),
];

/** What a call came to. */
export type Settled<T = unknown> = { readonly value: T } | { readonly error: unknown };

/** Beyond its declared timeout, a call has so long. */
export const GRACE_MS = 1000;

/** What all cases with outages hold their calls to. */
export interface Settling {
  /** As the call; fails if it takes longer than the store declares. */
  inTime<T>(what: string, call: Promise<T>): Promise<T>;
  /** What a call came to; fails if it takes longer than the store declares. */
  settled<T>(what: string, call: Promise<T>): Promise<Settled<T>>;
  /** Waits until a store that was cut off reads and writes. */
  worksAgain(store: Store, partition: string): Promise<void>;
}

export function settling(terms: Terms): Settling {
  const inTime = <T>(what: string, call: Promise<T>): Promise<T> => settles(what, call, terms.timeoutMs + GRACE_MS);
  const settled = <T>(what: string, call: Promise<T>): Promise<Settled<T>> =>
    inTime(
      what,
      call.then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      ),
    );
  const worksAgain = (store: Store, partition: string): Promise<void> =>
    eventually(
      'the same store works again',
      async () => {
        const read = await settled('a get after the outage', store.get(partition, ['back']));
        const nothing = change({ deletes: ['back'] });
        const written = await settled('a commit after the outage', store.commit(partition, nothing));
        return 'value' in read && 'value' in written;
      },
      2 * (terms.timeoutMs + terms.patienceMs),
    );
  return { inTime, settled, worksAgain };
}
