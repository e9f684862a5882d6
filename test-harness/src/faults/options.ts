/** Where child processes find the store: as for `openInProcess`. */
export interface StoreModule {
  /** A URL: of a module of plain JavaScript that exports `open(argument): Store | Promise<Store>`. */
  readonly module: { readonly href: string };
  /** What `open` is given; JSON. All processes of a run get the same, and must then share their data. */
  readonly argument?: unknown;
}

/** What all attacks take. */
export interface FaultOptions {
  readonly store: StoreModule;
  /** Of the random choices; printed. When signals arrive is up to the machine, so a seed repeats a run but roughly. Default: a new one. */
  readonly seed?: number;
  /** The name of one of `ALTERATIONS`: what every process does to its store. Default: nothing. */
  readonly alteration?: string;
  /** Milliseconds within which every call of the store must settle, its own timeout and a margin. Default: 7,000. */
  readonly settleMs?: number;
  /** Gets the figures, a line at a time. Default: the console. */
  readonly print?: (line: string) => void;
}

/** What came of an attack. */
export interface FaultReport {
  readonly seed: number;
  /** What went wrong. Empty: nothing did. */
  readonly problems: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}
