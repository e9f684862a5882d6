/** One instance under measure. */
export interface Counter {
  /** Serves only: answers with the count plus one. */
  serve(): Promise<number>;
  /** Serves and queues an update that adds one; resolves once that is durable, or, with `wait`, once it is committed. */
  call(wait: boolean): Promise<number>;
  /** Resolves once all that was called is committed. */
  flush(): Promise<void>;
  count(): Promise<number>;
}

/** What a server charges for. */
export interface Units {
  readonly read: number;
  readonly write: number;
}

/** What is measured: the library on a store, or a program by hand on the bare driver. */
export interface Subject {
  /** Opens a counter, with a value of `bytes` beside the count that no update touches. */
  open(id: string, bytes: number): Promise<Counter>;
  /** How many requests this process sent to a server so far; only for subjects that have one. */
  requests?(): number;
  /** What they cost so far, where the server charges for requests. */
  units?(): Units;
  close(): Promise<void>;
}

/** Where a subject keeps its data: nothing is there yet, or what an earlier process of the same run left. */
export interface Place {
  /** A directory of the run's own. */
  readonly directory: string;
  /** Letters, digits and `-`; of the run's own as well. */
  readonly name: string;
  /** The URL of the server that was started for the run; empty for a subject without one. */
  readonly server: string;
}

export type MakeSubject = (place: Place) => Promise<Subject>;
