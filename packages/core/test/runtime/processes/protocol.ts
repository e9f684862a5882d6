/** What a child is told to do, as its one argument. */
export interface Order {
  readonly does: 'call' | 'work' | 'end';
  /** The database; none: a store in memory. */
  readonly path?: string;
  readonly ttlMs?: number;
  /** `call`: words are `<prefix><number>`, from this number on. */
  readonly from?: number;
  readonly prefix?: string;
  /** `call`: every word is its own idempotency key, too. */
  readonly keyed?: boolean;
}

/** What a child tells, a line each. */
export type Told =
  | { readonly acknowledged: number }
  | { readonly running: string; readonly epoch: number }
  | { readonly aborted: string }
  | { readonly told: string }
  | { readonly closed: true };
