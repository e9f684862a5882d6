import type { Motion } from '@motion-ts/core';
import type { Process, World } from '../world.js';
import type { Accounting } from './accounting.js';
import type { JournalAuditor, JournalLife } from './effects.js';
import type { Plan } from './plan.js';

/** What all callers of a run share. */
export interface Stage {
  readonly world: World;
  readonly plan: Plan;
  readonly auditor: JournalAuditor;
  readonly accounting: Accounting;
  readonly component: Parameters<Motion['instance']>[0];
  /** Once true, callers finish what they do and begin nothing new. */
  over: boolean;
  problem(text: string): void;
  trace(text: string): void;
}

/** What a {@link Motion} gives for a component whose types do not matter here. */
export interface Handle {
  run(flow: string, props?: object, options?: object): Promise<unknown>;
  stream(
    flow: string,
    props?: object,
    options?: object,
  ): AsyncIterable<unknown> & { readonly result: Promise<unknown> };
  readState(key?: string): Promise<unknown>;
  writeState(patch: object): Promise<void>;
  version(): Promise<number>;
  flushUpdates(): Promise<void>;
  deadLetters(): Promise<{ readonly id: string }[]>;
  redrive(id: string): Promise<void>;
  discardDeadLetter(id: string): Promise<void>;
  close(): Promise<void>;
}

/** A caller, as what it does sees it. */
export interface Actor {
  readonly stage: Stage;
  readonly process: Process;
  readonly motion: Motion;
  /** The instance that it uses. */
  readonly id: string;
  readonly name: string;
  handle: Handle | undefined;
  life: JournalLife | undefined;
  /** The newest version of the state that it saw. */
  lastVersion: number;
  /** A name for its next call. */
  nextLabel(): string;
}
