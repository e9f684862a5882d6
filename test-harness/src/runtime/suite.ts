import type { Store } from '@motion-ts/core/store';
import type { Runner, Supports } from '../conformance/index.js';
import type { Place } from './place.js';

/** Options of {@link runtimeSuite}. */
export interface RuntimeSuiteOptions extends Runner {
  /** The store's name, for the titles of the cases. */
  readonly name: string;
  /**
   * Opens the store. Several opens of one namespace are several processes on the same data, and two namespaces share
   * nothing. The suite closes whatever it opens.
   *
   * @param namespace letters, digits and `-`; new for every case
   */
  readonly open: (namespace: string) => Promise<Store>;
  /** As for {@link conformance}: what a store without hints, or inside one process, does not do. */
  readonly supports?: Supports;
  /** Milliseconds that one case may take, 60,000 by default. The runner's own limit must be above it. */
  readonly timeoutMs?: number;
}

/** How a group of cases adds a case. */
export type Case = (name: string, body: (place: Place) => Promise<void>) => void;

/** A group of cases. */
export type Group = (add: Case, supports: { readonly watch: boolean }) => void;
