import type {
  AnyComponent,
  ComponentClass,
  Instance,
  InstanceArgs,
  Motion,
  MotionOptions,
  State,
} from '@motion-ts/core';
import type { Circumstances, Trouble } from '../circumstances.js';
import type { Call } from './ledger.js';

/** Chance that repeats itself with the seed. */
export interface SimulatedRandom {
  /** At least 0, below 1. */
  fraction(): number;
  /** A whole number, both bounds included. */
  int(from: number, to: number): number;
  /** True so often: 0 never, 1 always. */
  chance(probability: number): boolean;
  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T;
}

/** What a simulated process knows of its world. */
export interface ProcessContext<Outside> {
  /** The process's name in traces. */
  readonly name: string;
  /** What lives outside of all processes: see {@link SimulationOptions.outside}. */
  readonly outside: Outside;
  readonly random: SimulatedRandom;
  /** The process's wall clock: milliseconds since the epoch. It may be wrong, and jump. */
  now(): number;
  /** Waits for so many milliseconds of simulated time. */
  sleep(ms: number): Promise<void>;
  /** Writes a line into the trace. */
  trace(text: string): void;
}

/** What can be done with instances. */
interface InstanceContext {
  /** The process's own Motion. */
  readonly motion: Motion;
  /**
   * Opens an instance as `motion.instance` does, and tries again while the store fails. The calls of what it gives are
   * written down: see {@link CheckContext.calls}.
   */
  open<C extends AnyComponent>(component: ComponentClass<C>, ...args: InstanceArgs<C>): Promise<Instance<C>>;
}

/** What a scenario is given. */
export interface ScenarioContext<Outside> extends ProcessContext<Outside>, InstanceContext {
  /** Which caller this is, from 0: callers that take the place of dead ones are counted on. */
  readonly caller: number;
}

/** What a check is given: the world is whole again, and all is quiet. */
export interface CheckContext<Outside> extends ProcessContext<Outside>, InstanceContext {
  readonly seed: number;
  /** All calls that scenarios made of instances that they opened, in the order in which they were made. */
  readonly calls: readonly Call[];
  /** Those of them whose updates are certainly queued, and so by now done. */
  readonly acknowledged: readonly Call[];
  /** An instance's state; undefined if there is no such instance. */
  state<C extends AnyComponent>(component: ComponentClass<C>, id: string): Promise<State<C> | undefined>;
}

/** A class that is made without arguments, or one with what makes it, once in each process. */
export type SimulatedComponent<Outside> =
  | ComponentClass
  | readonly [component: ComponentClass, make: (process: ProcessContext<Outside>) => AnyComponent];

/** Options of `simulate`. */
export interface SimulationOptions<Outside = undefined> {
  /** The classes that all processes know. */
  readonly components: readonly SimulatedComponent<Outside>[];
  /**
   * What one caller does. It runs in several processes at once, and is cut off where its process dies. An outage that it
   * lets through ends it, as it would end a program; any other error is a failure of the seed.
   */
  scenario(context: ScenarioContext<Outside>): Promise<void>;
  /**
   * Your own invariants. It is asked once for each seed, after the last fault, when every update that was queued is done.
   * What it throws is a failure of the seed. Not asked for a seed in which an update became a dead letter because processes
   * died around it; `counts.checks` says how often it was.
   */
  check?(context: CheckContext<Outside>): void | Promise<void>;
  /** Makes what outlives all processes, such as a fake mail server: once for each seed. */
  outside?(random: SimulatedRandom): Outside;
  /** How many seeds, or the first and how many. Default: 100, from 1. */
  readonly seeds?: number | readonly [first: number, count: number];
  /** Kinds of trouble to leave out. Default: none. */
  readonly without?: readonly Trouble[];
  /** Let a replica take over now and then that lacks the last commits. Calls before that are no longer certain. Default: false. */
  readonly rollback?: boolean;
  /** Replaces what is drawn for a seed, such as `{ callers: 1 }`: see {@link SimulationPlan}. */
  readonly plan?: Partial<SimulationPlan>;
  /** For the Motions of all processes. Some are drawn if you leave them out. */
  readonly motion?: Pick<MotionOptions, 'retry' | 'codec' | 'lease' | 'storeTimeoutMs' | 'idempotencyMs'>;
  /** Milliseconds of simulated time within which all must be quiet after the last fault. Default: 120,000. */
  readonly quietMs?: number;
  /** Hears of everything that happens, line by line: for one seed. */
  readonly trace?: (line: string) => void;
}

/** What was drawn for one seed. */
export interface SimulationPlan extends Circumstances {
  /** Milliseconds of simulated time within which things go wrong. */
  readonly troubleMs: number;
}

/** What came of one seed. */
export interface SeedResult {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly plan: SimulationPlan;
  /** The same for the same seed, if the components are deterministic. */
  readonly hash: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** The sum of all seeds: they all passed. */
export interface SimulationReport {
  readonly seeds: number;
  readonly seconds: number;
  /** What happened, and how often: kills, takeovers, unknownButApplied, ranAgain (updates that were run again) ... */
  readonly counts: Readonly<Record<string, number>>;
}
