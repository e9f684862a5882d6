import { type Commit, type CommitResult, type Key, StoreError } from '@motion-ts/core/store';
import type { Request } from './calls.js';
import { type Script, scripts } from './scripts/script.js';

const NONE: readonly never[] = [];
/** Times are exact as integers up to 2 ** 53; this leaves room for now. */
const FARTHEST_MS = 2 ** 52;
/** A commit of more operations or bytes does not share a request with others. */
const FEW_OPS = 32;

/** A commit. Copies the values: the caller may change them as soon as the call returns. */
export class CommitRequest implements Request<CommitResult> {
  readonly script: Script = scripts.commit;
  readonly batch: Script | undefined;
  readonly once: boolean = true;
  readonly node: undefined;
  readonly plain: undefined;
  readonly keys: readonly string[];
  readonly args: readonly (string | Buffer)[];
  readonly bytes: number;
  readonly #partition: string;
  readonly #id: string;
  readonly #appends: boolean;

  /**
   * @param keys those of its entries, and, for commits that change more than entries, those of its bucket as well
   * @throws StoreError `invalid`
   */
  constructor(partition: string, keys: readonly string[], commit: Commit) {
    const { id, checks = NONE, seqIs, puts = NONE, appends = NONE, deletes = NONE, due, drop } = commit;
    if (drop && puts.length + appends.length > 0)
      throw new StoreError('invalid', `drop of ${partition} would leave what the same commit writes`);
    const [mode, ms] = drop ? DROP : due === undefined ? LEAVE : dueOf(due);
    this.#partition = partition;
    this.#id = id;
    this.#appends = appends.length > 0;
    this.keys = mode === '' && !this.#appends ? keys.slice(0, 2) : keys;
    const counts = [String(checks.length), String(puts.length), String(appends.length)];
    const args: (string | Buffer)[] = [partition, id, seqIs === undefined ? '' : String(seqIs), mode, ms, ...counts];
    let bytes = 0;
    const entryOf = (value: Uint8Array): Buffer => {
      bytes += value.byteLength;
      return stored(id, value);
    };
    for (const { key } of checks) args.push(key);
    for (const { rev } of checks) args.push(rev ?? '');
    for (const { key, value } of puts) args.push(key, entryOf(value));
    for (const value of appends) args.push(entryOf(value));
    for (const key of deletes as readonly Key[]) args.push(key);
    this.args = args;
    this.bytes = bytes;
    this.batch = checks.length + puts.length + appends.length + deletes.length <= FEW_OPS ? scripts.commits : undefined;
  }

  what(): string {
    return `commit ${this.#id} in ${this.#partition}`;
  }

  read(answer: unknown): CommitResult {
    if (Array.isArray(answer)) return { ok: false, failed: answer.map(String) };
    return this.#appends ? { ok: true, seq: Number(answer) } : { ok: true };
  }
}

const DROP = ['drop', ''] as const;
const LEAVE = ['', ''] as const;

function dueOf(due: NonNullable<Commit['due']>): readonly [mode: string, ms: string] {
  if (!('in' in due)) return ['ifnull', msOf(due.ifNullIn)];
  return due.in === null ? ['clear', ''] : ['in', msOf(due.in)];
}

function msOf(ms: number): string {
  return String(Math.round(Math.max(-FARTHEST_MS, Math.min(FARTHEST_MS, ms))));
}

/** An entry as it is stored: its revision, a space, its value. */
function stored(rev: string, value: Uint8Array): Buffer {
  const entry = Buffer.allocUnsafe(rev.length + 1 + value.byteLength);
  entry.write(rev, 'latin1');
  entry[rev.length] = SPACE;
  entry.set(value, rev.length + 1);
  return entry;
}

const SPACE = 0x20;
