import { type Got, type Key, type Limits, type Revision, type Snapshot, StoreError } from '@motion-ts/core/store';
import { Batcher, type Call } from './batcher.js';
import { decoded, literalArray, textArray } from './binary.js';
import type { Connections, Row } from './connections.js';
import { storeError } from './failure.js';
import { FEW_KEYS, type Statements } from './statements.js';

const MOST_GETS = 64;
const MOST_KEYS = 1_000;
/** A get of more keys is alone. */
const SHARED_KEYS = 32;
/** What the gets of one statement bring together; who would bring more is asked for alone. */
const MOST_BYTES = 2 ** 20;

interface GetCall extends Call {
  readonly partition: string;
  readonly keys: readonly Key[];
  readonly known: readonly (Revision | undefined)[] | undefined;
  alone: boolean;
  /** How often it was asked for in vain. */
  tries: number;
  resolve(snapshot: Snapshot): void;
  reject(error: StoreError): void;
}

/**
 * Reads snapshots. One statement reads from one snapshot of the database, and the head and the entries are read by one
 * statement. Gets of not too many keys that wait together share it.
 */
export class Snapshots {
  readonly #connections: Connections;
  readonly #statements: Statements;
  readonly #limits: Limits;
  readonly #onError: (error: unknown) => void;
  readonly #batcher: Batcher<GetCall>;

  /** @param onError told of whatever the server fails of */
  constructor(
    connections: Connections,
    lanes: number,
    statements: Statements,
    limits: Limits,
    onError: (error: unknown) => void,
  ) {
    this.#connections = connections;
    this.#statements = statements;
    this.#limits = limits;
    this.#onError = onError;
    this.#batcher = new Batcher(lanes, choose, (batch) => this.#send(batch));
  }

  get(
    partition: string,
    keys: readonly Key[],
    known: readonly (Revision | undefined)[] | undefined,
    deadline: number,
  ): Promise<Snapshot> {
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new StoreError('unavailable', `${whatOf(call)}: no connection got free in time`));
      const alone = keys.length > SHARED_KEYS;
      const call: GetCall = { partition, keys, known, deadline, alone, tries: 0, late, resolve, reject };
      this.#batcher.add(call);
    });
  }

  async #send(batch: readonly GetCall[]): Promise<void> {
    const deadline = Math.min(...batch.map((call) => call.deadline));
    try {
      const [first] = batch as readonly [GetCall];
      if (batch.length === 1 && first.keys.length <= FEW_KEYS) first.resolve(await this.#readFew(first));
      else await this.#readMany(batch, deadline);
    } catch (error) {
      this.#onError(error);
      // Reading again harms nothing: a connection that was lost says nothing of the next one.
      const now = performance.now();
      const again = batch.filter((call) => call.deadline > now && call.tries++ === 0 && !StoreError.is(error));
      for (const call of again) call.alone = true;
      this.#batcher.addFirst(again);
      for (const call of batch)
        if (!again.includes(call)) call.reject(storeError(error, whatOf(call), this.#connections.where, false));
    }
  }

  async #readFew({ partition, keys, known, deadline }: GetCall): Promise<Snapshot> {
    const values: (string | null)[] = [partition];
    for (const [i, key] of keys.entries()) values.push(key, known?.[i] ?? null);
    const statement = this.#statements.few[keys.length] as Statements['many'];
    const [row] = (await this.#connections.run(statement, values, deadline)) as [Row];
    const entries = keys.map((key, i) => got(key, row[2 * i + 2], row[2 * i + 3]));
    return { seq: Number(row[0]), dueIn: row[1] === null ? null : Number(row[1]), entries };
  }

  async #readMany(batch: readonly GetCall[], deadline: number): Promise<void> {
    const most = batch.length === 1 ? this.#limits.getBytes : MOST_BYTES;
    const rows = await this.#connections.run(
      this.#statements.many,
      [
        textArray(batch.map(({ partition }) => partition)),
        literalArray(batch.flatMap(({ keys }, i) => keys.map(() => i + 1))),
        textArray(batch.flatMap(({ keys }) => keys)),
        textArray(batch.flatMap(({ keys, known }) => keys.map((_, i) => known?.[i] ?? null))),
        most,
      ],
      deadline,
    );
    const heads = new Map<number, Row>();
    const found = new Map<number, Row>();
    // A row without a revision is that of a head.
    for (const row of rows) (row[1] === null ? heads : found).set(Number(row[0]), row);
    let n = 0;
    const beyond: GetCall[] = [];
    for (const [i, call] of batch.entries()) {
      const head = heads.get(i + 1);
      const mine = call.keys.map((key) => ({ key, row: found.get(++n) }));
      if (mine.some(({ row }) => row?.[3] === '')) beyond.push(call);
      else
        call.resolve({
          seq: Number(head?.[2] ?? 0),
          dueIn: typeof head?.[3] === 'string' ? Number(head[3]) : null,
          entries: mine.map(({ key, row }) => row && got(key, row[1], row[2])),
        });
    }
    if (beyond.length > 0 && batch.length === 1)
      throw new StoreError(
        'too_large',
        `${whatOf(batch[0] as GetCall)} brings more than ${most} bytes; ask for fewer keys`,
      );
    for (const call of beyond) call.alone = true;
    this.#batcher.addFirst(beyond);
  }
}

function choose(waiting: readonly GetCall[]): GetCall[] {
  const [first] = waiting;
  if (first === undefined || first.alone) return waiting.slice(0, 1);
  let keys = 0;
  const batch: GetCall[] = [];
  for (const call of waiting) {
    if (call.alone) continue;
    keys += call.keys.length;
    if (batch.length === MOST_GETS || keys > MOST_KEYS) break;
    batch.push(call);
  }
  return batch;
}

function got(key: Key, rev: string | null | undefined, value: string | null | undefined): Got | undefined {
  if (typeof rev !== 'string') return undefined;
  return typeof value === 'string' ? { key, rev, value: decoded(value) } : { key, rev };
}

function whatOf({ partition, keys }: GetCall): string {
  return `get of ${keys.length} keys in ${partition}`;
}
