import { bytes, number, read, string, write } from './record-format.js';

/** What `init` holds. The entry's revision is the instance's incarnation. */
export interface InitRecord {
  readonly component: string;
  readonly id: string;
  readonly codec: string;
  /** Milliseconds since the epoch, by the creator's clock. */
  readonly createdAt: number;
}
export function encodeInit(init: InitRecord): Uint8Array {
  return write([init.component, init.id, init.codec, init.createdAt]);
}
export function decodeInit(data: Uint8Array, where: string): InitRecord {
  const [component, id, codec, createdAt] = read<[string, string, string, number]>(
    data,
    `the entry 'init' of ${where}`,
    (f) => string(f[0]) && string(f[1]) && string(f[2]) && number(f[3]),
  );
  return { component, id, codec, createdAt };
}

/** What `root` holds: the lease and the queue's cursor, in one entry, so that moving one proves the other. */
export interface Root {
  /** The id of the commit that created the instance. */
  readonly incarnation: string;
  /** Who drains the queue; null: nobody. */
  readonly holder: string | null;
  /** Fencing token: rises with every take-over. */
  readonly epoch: number;
  /** How often this entry changed. */
  readonly beat: number;
  /** Batches up to this seq are done. */
  readonly cursor: number;
  /** Of the batch behind the cursor, so many updates are done. */
  readonly index: number;
  /** How often the state was committed; 1 after InitState. */
  readonly version: number;
  /** Failed tries of the next update. */
  readonly tries: number;
  /** How many updates ever became dead letters. */
  readonly deadLetters: number;
  /** Careful mode: up to this seq, every update is marked here before it runs. */
  readonly carefulUntil: number;
  /** The update that is marked as running. */
  readonly running: string | null;
  /** How many holders died with that update running. */
  readonly crashes: number;
  /** When what nobody refers to was last swept, by the holder's clock. */
  readonly sweptAt: number;
}
export function firstRoot(incarnation: string, now: number): Root {
  return {
    incarnation,
    holder: null,
    epoch: 0,
    beat: 0,
    cursor: 0,
    index: 0,
    version: 1,
    tries: 0,
    deadLetters: 0,
    carefulUntil: 0,
    running: null,
    crashes: 0,
    sweptAt: now,
  };
}
export function encodeRoot(r: Root): Uint8Array {
  return write([
    r.incarnation,
    r.holder,
    r.epoch,
    r.beat,
    r.cursor,
    r.index,
    r.version,
    r.tries,
    r.deadLetters,
    r.carefulUntil,
    r.running,
    r.crashes,
    r.sweptAt,
  ]);
}
export function decodeRoot(data: Uint8Array, where: string): Root {
  const f = read<unknown[]>(
    data,
    `the entry 'root' of ${where}`,
    (x) =>
      string(x[0]) &&
      (x[1] === null || string(x[1])) &&
      [2, 3, 4, 5, 6, 7, 8, 9, 11, 12].every((i) => number(x[i])) &&
      (x[10] === null || string(x[10])),
  ) as [
    string,
    string | null,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    string | null,
    number,
    number,
  ];
  return {
    incarnation: f[0],
    holder: f[1],
    epoch: f[2],
    beat: f[3],
    cursor: f[4],
    index: f[5],
    version: f[6],
    tries: f[7],
    deadLetters: f[8],
    carefulUntil: f[9],
    running: f[10],
    crashes: f[11],
    sweptAt: f[12],
  };
}

export function encodeDir(names: readonly string[]): Uint8Array {
  return write([names]);
}
export function decodeDir(data: Uint8Array, where: string): string[] {
  return read<[string[]]>(data, `the entry 'dir' of ${where}`, (f) => Array.isArray(f[0]) && f[0].every(string))[0];
}

/**
 * One call that waits in the queue. `updates` are the stored names of the methods to run, in order, each with the same
 * payload; a `writeState` has the one name {@link WRITE_STATE} and its {@link Changes} as the payload.
 */
export interface Call {
  readonly id: string;
  readonly flow: string;
  readonly updates: readonly string[];
  /** The codec's bytes of `[props, serveResult, passed]`, or {@link Changes}. */
  readonly payload: Uint8Array;
  /** Milliseconds since the epoch, by the caller's clock. */
  readonly at: number;
}
/** No flow has an empty name. */
export const WRITE_STATE = '';

/** The id of one update of a call: the n-th, from 0. */
export const updateId = (call: string, n: number): string => `${call}.${n}`;

export function encodeBatch(calls: readonly Call[]): Uint8Array {
  return write([calls.map((c) => [c.id, c.flow, c.updates, c.payload, c.at])]);
}
export function decodeBatch(data: Uint8Array, where: string): Call[] {
  const [calls] = read<[[string, string, string[], Uint8Array, number][]]>(
    data,
    where,
    (f) =>
      Array.isArray(f[0]) &&
      f[0].every(
        (c) => Array.isArray(c) && string(c[0]) && string(c[1]) && Array.isArray(c[2]) && bytes(c[3]) && number(c[4]),
      ),
  );
  return calls.map(([id, flow, updates, payload, at]) => ({ id, flow, updates, payload, at }));
}

/** The payload of a `writeState`: the codec's bytes of each key, null for a key that goes. */
export type Changes = ReadonlyMap<string, Uint8Array | null>;
export function encodeChanges(changes: Changes): Uint8Array {
  return write([[...changes]]);
}
export function decodeChanges(data: Uint8Array, where: string): Changes {
  const [changes] = read<[[string, Uint8Array | null][]]>(
    data,
    where,
    (f) => Array.isArray(f[0]) && f[0].every((c) => Array.isArray(c) && string(c[0]) && (c[1] === null || bytes(c[1]))),
  );
  return new Map(changes);
}

/** An error as it is kept in a dead letter. */
export interface StoredError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
}

/** What became of an update that has no effect on the state. */
export type Outcome =
  | { readonly kind: 'discarded'; readonly why: 'age' | 'newer'; readonly at: number; readonly seq: number }
  | {
      readonly kind: 'dead';
      readonly flow: string;
      readonly update: string;
      readonly error: StoredError;
      readonly tries: number;
      readonly queuedAt: number;
      readonly at: number;
      readonly seq: number;
      /** The call's payload as an entry would hold it: itself, or a pointer to chunks. */
      readonly payload: Uint8Array;
    };
export function encodeOutcome(o: Outcome): Uint8Array {
  if (o.kind === 'discarded') return write([o.kind, o.at, o.seq, o.why]);
  const { name, message, stack, code } = o.error;
  return write([
    o.kind,
    o.at,
    o.seq,
    o.flow,
    o.update,
    [name, message, stack ?? null, code ?? null],
    o.tries,
    o.queuedAt,
    o.payload,
  ]);
}
export function decodeOutcome(data: Uint8Array, where: string): Outcome {
  const f = read<unknown[]>(
    data,
    where,
    (x) =>
      number(x[1]) &&
      number(x[2]) &&
      (x[0] === 'discarded' ||
        (x[0] === 'dead' &&
          string(x[3]) &&
          string(x[4]) &&
          Array.isArray(x[5]) &&
          number(x[6]) &&
          number(x[7]) &&
          bytes(x[8]))),
  );
  const [kind, at, seq] = f as ['discarded' | 'dead', number, number];
  if (kind === 'discarded') return { kind, at, seq, why: f[3] === 'age' ? 'age' : 'newer' };
  const [flow, update, error, tries, queuedAt, payload] = f.slice(3) as [
    string,
    string,
    [string, string, string | null, string | null],
    number,
    number,
    Uint8Array,
  ];
  const [name, message, stack, code] = error;
  return {
    kind,
    at,
    seq,
    flow,
    update,
    error: { name, message, ...(stack !== null && { stack }), ...(code !== null && { code }) },
    tries,
    queuedAt,
    payload,
  };
}

/** A writer's slot, and the manifest of chunks: only their revision and their age count. */
export function encodeStamp(at: number): Uint8Array {
  return write([at]);
}
export function decodeStamp(data: Uint8Array, where: string): number {
  return read<[number]>(data, where, (f) => number(f[0]))[0];
}

/** An idempotency key that was used: by which call, with how many updates, when. */
export interface UsedKey {
  readonly call: string;
  readonly updates: number;
  readonly at: number;
}
export function encodeUsedKey(used: UsedKey): Uint8Array {
  return write([used.at, used.call, used.updates]);
}
export function decodeUsedKey(data: Uint8Array, where: string): UsedKey {
  const [at, call, updates] = read<[number, string, number]>(
    data,
    where,
    (f) => number(f[0]) && string(f[1]) && number(f[2]),
  );
  return { at, call, updates };
}
