import type { Commit } from '@motion-ts/core/store';
import type { ServerPartition } from '../server.js';
import type { CallRecord, RootRecord } from './layout.js';

/** One update, in the queue or run without it. */
export interface QueuedUpdate<Work = unknown> {
  readonly id: string;
  /** The id of its call. */
  readonly call: string;
  /** What its caller named it. */
  readonly label: string;
  /** Its batch; 0 if it was never queued. */
  readonly seq: number;
  /** What it was asked to do, as far as that is known. */
  readonly work: Work;
}

/** What became of an update that has no effect. */
export type OutcomeKind = 'dead' | 'discarded';

/** What is known of one life of an instance, from its creation to its end. */
export interface Life<Work = unknown> {
  readonly partition: string;
  readonly incarnation: string;
  root: RootRecord;
  rootRev: string;
  readonly batches: Map<number, readonly QueuedUpdate<Work>[]>;
  /** Every update that was ever queued. */
  readonly updates: Map<string, QueuedUpdate<Work>>;
  /** The calls that carry a label; more than one if it was redriven. */
  readonly callsOf: Map<string, string[]>;
  /** Outcomes that were committed, also those that were deleted since. */
  readonly outcomes: Map<string, OutcomeKind>;
  /** Dead letters that went back into the queue. */
  readonly redriven: Set<string>;
  /** Dead letters that were dropped. */
  readonly dropped: Set<string>;
  ended: boolean;
}

export function newLife<Work>(partition: string, incarnation: string, root: RootRecord): Life<Work> {
  return {
    partition,
    incarnation,
    root,
    rootRev: incarnation,
    batches: new Map(),
    updates: new Map(),
    callsOf: new Map(),
    outcomes: new Map(),
    redriven: new Set(),
    dropped: new Set(),
    ended: false,
  };
}

/** An update that the cursor passed; without an outcome, it took effect. */
export interface Consumed<Work = unknown> {
  readonly update: QueuedUpdate<Work>;
  readonly outcome: OutcomeKind | undefined;
}

/** A commit that replaced an instance's root. */
export interface Step<L extends Life> {
  readonly life: L;
  readonly before: RootRecord;
  readonly root: RootRecord;
  readonly commit: Commit;
  readonly puts: ReadonlyMap<string, Uint8Array>;
  readonly after: ServerPartition;
  /** How problems name it. */
  readonly where: string;
}

/** What an audit knows of a component beside the queue: what its state must be. */
export interface StateModel<Work, L extends Life<Work>> {
  /** What a queued call is named, and what it asks for. */
  about(call: CallRecord): Pick<QueuedUpdate<Work>, 'label' | 'work'>;
  /** An instance is made. */
  born(life: Life<Work>, after: ServerPartition): L;
  /**
   * The cursor passed these, in this order, or a call took effect without having been queued.
   *
   * @param direct whether it may be such a call
   * @returns the updates that took effect without having been queued
   */
  stepped(step: Step<L>, consumed: readonly Consumed<Work>[], direct: boolean): readonly QueuedUpdate<Work>[];
  /** The store fell back: what stands there is where the count begins anew. */
  restarted(life: L, partition: ServerPartition): void;
  /** All is quiet. */
  quiet(life: L, partition: ServerPartition): void;
}

/** Where a cursor stands, as traces show it. */
export const at = ({ cursor, index }: RootRecord): string => `${cursor}.${index}`;
