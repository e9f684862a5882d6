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

/** What is measured: the library on a store, or a program by hand on the bare driver. */
export interface Subject {
  /** Opens a counter, with a value of `bytes` beside the count that no update touches. */
  open(id: string, bytes: number): Promise<Counter>;
  close(): Promise<void>;
}

/** Makes a subject in an empty directory, or one that an earlier process filled. */
export type MakeSubject = (directory: string) => Promise<Subject>;
