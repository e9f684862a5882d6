import type { Store } from '@motion-ts/core/store';
import type { ConformanceReport } from './report.js';

/** The two functions of a test runner that the suite needs: those of vitest, node:test, bun:test or another. */
export interface Runner {
  /** Runs its cases one after the other, in the order in which they were registered. */
  readonly describe: (name: string, body: () => void) => unknown;
  /** `timeoutMs` is how long the case may take; a runner without such an argument does not look at it. */
  readonly test: (name: string, body: () => Promise<void>, timeoutMs?: number) => unknown;
}

/** What a store publicly declares that it does not do, or does later. Only this skips or softens a case. */
export interface Supports {
  /** Whether two opens of one namespace share data; true by default. A store inside one process may say false. */
  readonly sharedNamespace?: boolean;
  /** Whether it has `watch`; true by default. */
  readonly watch?: boolean;
  /** How late `scan` may be, in ms; 0 by default. */
  readonly scanLagMs?: number;
  /**
   * Whether what was acknowledged outlives the process that wrote it. `true` must be proved: give {@link
   * ConformanceOptions.process}. Left out, it depends on whether that is given.
   */
  readonly durable?: boolean;
  /**
   * Whether there is a server that may be away. `true` must be proved: give {@link ConformanceOptions.faults}. Left out,
   * it depends on whether those are given.
   */
  readonly server?: boolean;
  /** What a crash of the server may take back: nothing, the default, or the latest commits, whole and from the end (C7). */
  readonly crashLoses?: 'nothing' | 'tail';
}

/** How to open the store in a process of its own, which the suite kills. */
export interface ProcessOptions {
  /** A URL: of a module of plain JavaScript that exports `open(argument): Store | Promise<Store>`. */
  readonly module: { readonly href: string };
  /** What `open` is given, for the namespace that `ConformanceOptions.open` takes too; JSON. */
  readonly argument: (namespace: string) => unknown;
  /** How many processes are killed; 6 by default. */
  readonly kills?: number;
}

/** How to take the server away from the stores that `ConformanceOptions.open` opened, and how to bring it back. */
export interface Faults {
  /** Within this time and 1 s every call must settle, whatever the server does: the store's declared timeout, in ms. */
  readonly timeoutMs: number;
  /**
   * Makes the server unreachable: connections break, new ones are refused.
   *
   * @param namespace of the stores that are open; whether others are cut off too does not matter
   */
  cut(namespace: string): Promise<void>;
  /** Makes the server silent: connections stay, nothing is answered. Left out, these cases are not claimed. */
  hang?(namespace: string): Promise<void>;
  /** Ends either. */
  restore(namespace: string): Promise<void>;
  /**
   * Kills the server and starts it again with what it kept; resolves once it takes requests. Left out, that case is not
   * claimed.
   */
  crash?(namespace: string): Promise<void>;
}

/** Options of {@link conformance}. */
export interface ConformanceOptions extends Runner {
  /** The store's name, for the titles of the cases. */
  readonly name: string;
  /**
   * Opens the store. Two opens of one namespace are two clients of the same data, and two namespaces share nothing. The
   * suite closes whatever it opens.
   *
   * @param namespace letters, digits and `-`; new in every run
   */
  readonly open: (namespace: string) => Promise<Store>;
  readonly supports?: Supports;
  /** For the level `durability`. */
  readonly process?: ProcessOptions;
  /** For the level `failure behaviour`. */
  readonly faults?: Faults;
  /** How long a case waits for what must come, beside the declared lags, in ms. Default: 5,000. */
  readonly patienceMs?: number;
  /** How many random runs are compared with the model. Default: 300. */
  readonly modelRuns?: number;
  /**
   * After so many milliseconds the random runs end early, but not before a fifteenth of them is done. The report says
   * how many were. Default: 5,000.
   */
  readonly modelBudgetMs?: number;
  /**
   * Of the random runs: a number for the same runs, or what a failed run printed for just that one. Default: the
   * environment's `MOTION_SEED`, or a new one.
   */
  readonly seed?: number | string;
  /** Is given the report at the end; it is printed as well. */
  readonly report?: (report: ConformanceReport) => void;
}

/** What all cases of a store go by: its declarations, with the defaults. */
export interface Terms {
  readonly sharedNamespace: boolean;
  readonly watch: boolean;
  readonly scanLagMs: number;
  readonly patienceMs: number;
  readonly kills: number;
  readonly timeoutMs: number;
  readonly crashLoses: 'nothing' | 'tail';
}

/** What a case needs that not every store claims. */
export type Need = 'sharedNamespace' | 'watch' | 'process' | 'faults' | 'hang' | 'crash';

/** What a case works with. */
export interface Fixture {
  /** The store under test. It serves other cases too, and is not to be closed. */
  readonly store: Store;
  /** Another client of the same data; the same one if the store has no shared namespaces. */
  readonly other: Store;
  /** A partition that nobody else uses. */
  readonly partition: string;
  /** Of {@link store} and {@link other}. */
  readonly namespace: string;
  /** Opens one more client, to be closed by the case or after it. */
  readonly open: (namespace?: string) => Promise<Store>;
  readonly options: ConformanceOptions;
  /** Adds a figure to the report. */
  readonly note: (figure: string) => void;
}

/** How a group of cases adds a case. What it needs and the store does not claim keeps it from running. */
export type Case = (name: string, body: (fixture: Fixture) => Promise<void>, ...needs: Need[]) => void;

/** A group of cases. */
export type Group = (add: Case, terms: Terms) => void;

/** @throws TypeError for what contradicts itself */
export function termsOf({ supports = {}, process, faults, patienceMs = 5000 }: ConformanceOptions): Terms {
  if (supports.durable === true && process === undefined)
    throw new TypeError(
      'supports.durable is claimed but cannot be shown: give `process`, so that processes can be killed',
    );
  if (supports.durable === false && process !== undefined)
    throw new TypeError('supports.durable is false, yet `process` is given to show it: leave one of them out');
  if (supports.server === true && faults === undefined)
    throw new TypeError('supports.server is claimed but cannot be taken away: give `faults`');
  if (supports.server === false && faults !== undefined)
    throw new TypeError('supports.server is false, yet `faults` are given: leave one of them out');
  const { sharedNamespace = true, watch = true, scanLagMs = 0, crashLoses = 'nothing' } = supports;
  if (process !== undefined && !sharedNamespace)
    throw new TypeError(
      'supports.sharedNamespace is false, yet `process` opens a namespace again: leave one of them out',
    );
  return {
    sharedNamespace,
    watch,
    scanLagMs,
    patienceMs,
    kills: process?.kills ?? 6,
    timeoutMs: faults?.timeoutMs ?? 0,
    crashLoses,
  };
}

/** Why a case that needs this does not run; undefined: it runs. */
export function notClaimed(need: Need, { supports = {}, process, faults }: ConformanceOptions): string | undefined {
  switch (need) {
    case 'sharedNamespace':
    case 'watch':
      return supports[need] === false ? `supports.${need} is false` : undefined;
    case 'process':
      if (process !== undefined) return undefined;
      return supports.durable === false ? 'supports.durable is false' : 'no `process` was given';
    case 'faults':
    case 'hang':
    case 'crash':
      if (faults === undefined)
        return supports.server === false ? 'supports.server is false' : 'no `faults` were given';
      return need === 'faults' || faults[need] !== undefined ? undefined : `the \`faults\` have no \`${need}\``;
  }
}
