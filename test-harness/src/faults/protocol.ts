import type { WrongClock } from './clock.js';
import type { StoreModule } from './options.js';

/** What one call asks of its update. */
export interface Step {
  /** A numbering: the calls of a line are numbered 1, 2, 3 ... in the order in which they are made. */
  readonly line: string;
  readonly n: number;
  /** Milliseconds that the update takes; the parent is told when it begins. */
  readonly hold?: number;
  /** It kills its process. */
  readonly poison?: true;
  /** Bytes of a value that it puts in the state. */
  readonly size?: number;
  /** So many tries fail. */
  readonly fails?: number;
}

/** What a child process is told at its start, as JSON. */
export interface Opening {
  readonly store: { readonly module: string; readonly argument: unknown };
  readonly component: string;
  readonly ttlMs: number;
  readonly updates: 'background' | 'off';
  readonly alteration?: string | undefined;
  readonly failpoint?: { readonly name: string; readonly nth: number } | undefined;
  /** Tell of every update that runs. */
  readonly tellRuns: boolean;
  /** Milliseconds within which every call of the store must settle. */
  readonly settleMs: number;
  readonly clock?: WrongClock | undefined;
  /** Load everything, but open the Motion only when told to. */
  readonly asleep: boolean;
}

/** How calls are made. */
export interface CallOptions {
  readonly flow?: 'note' | 'told';
  readonly flush?: boolean;
  readonly key?: string;
}

/** What a parent asks of a child. */
export type Command =
  | { readonly do: 'wake' }
  | { readonly do: 'open'; readonly instance: string; readonly size: number }
  /** All at once, in this order; each is told of by itself as soon as it is acknowledged. */
  | {
      readonly do: 'call';
      readonly instance: string;
      readonly steps: readonly Step[];
      readonly options: CallOptions;
    }
  | { readonly do: 'inspect'; readonly instance: string }
  /** Serves one after the other for so many milliseconds. @returns how long each took, in milliseconds */
  | { readonly do: 'serve'; readonly instance: string; readonly ms: number }
  | { readonly do: 'vitals' }
  | { readonly do: 'letters'; readonly instance: string }
  | { readonly do: 'clear'; readonly instance: string };

export interface Request {
  readonly ask: number;
  readonly command: Command;
}

/** A commit that replaces `root`: the fence of an instance. */
export interface RootCommit {
  readonly instance: string;
  /** Of the commit, and of the root that it replaced. */
  readonly id: string;
  readonly after: string | null;
  readonly kind: string;
  readonly epoch: number;
  readonly ok: boolean;
  /** Taken from a holder that had not given it back. */
  readonly over: boolean;
  readonly sentAt: number;
  readonly at: number;
}

/** How a child is. */
export interface Vitals {
  /** The longest that its event loop stood still since the last time this was asked, in milliseconds. */
  readonly stallMs: number;
  /** Bytes, after a collection where the process allows one. */
  readonly heapUsed: number;
  /** Bytes. */
  readonly rss: number;
  /** Commits that it made. */
  readonly commits: number;
}

/** What a child tells. */
export type Reply =
  | { readonly ready: true }
  | { readonly answer: number; readonly value: unknown }
  | { readonly answer: number; readonly failed: string }
  | { readonly acknowledged: { readonly instance: string; readonly line: string; readonly n: number } }
  /** An update runs. */
  | {
      readonly inside: {
        readonly instance: string;
        readonly line: string;
        readonly n: number;
        readonly epoch: number;
        readonly at: number;
      };
    }
  | { readonly root: RootCommit }
  /** Something that may happen under attack. */
  | { readonly counted: string }
  /** Something that may not. */
  | { readonly wrong: string }
  | { readonly error: string };

/** A recorded breach of the order of a line. */
export interface Breach {
  readonly kind: 'doubled' | 'skipped' | 'reordered';
  readonly line: string;
  readonly n: number;
  /** The number that was applied before. */
  readonly after: number;
}

/** What a child sees of an instance. */
export interface Seen {
  readonly gone: boolean;
  /** The last number that was applied, by line. */
  readonly lines: Readonly<Record<string, number>>;
  readonly breaches: readonly Breach[];
  readonly big: number;
  readonly queued: number;
  readonly deadLetters: number;
  readonly held: boolean;
}

/** Of a module's URL, as JSON can hold it. */
export function openingOf({ module, argument }: StoreModule): Opening['store'] {
  return { module: module.href, argument };
}
