import { type Commit, type CommitResult, StoreError } from '@motion-ts/core/store';
import type { Request } from './calls.js';
import type { Keys } from './layout.js';
import { type Script, scripts } from './scripts/script.js';
import { revisionWord, type Word } from './words.js';

const NONE: readonly never[] = [];
/** Times are exact as integers up to 2 ** 53; this leaves room for now. */
const FARTHEST_MS = 2 ** 52;
/** Of one key there may be any number, which the limit of operations does not count; a script takes some thousands. */
const MOST_CHECKS = 4_000;
/** A commit of more operations does not share a request with others. */
const FEW_OPS = 32;

/** A commit. Copies the values: the caller may change them as soon as the call returns. */
export class CommitRequest implements Request<CommitResult> {
  readonly script: Script = scripts.commit;
  readonly shares: boolean;
  readonly once: boolean = true;
  readonly node: undefined;
  readonly plain: undefined;
  readonly words: readonly Word[];
  readonly values: Buffer;
  readonly #names: Keys;
  readonly #partition: string;
  readonly #id: string;
  readonly #appends: boolean;
  readonly #entriesOnly: boolean;

  /** @throws StoreError `invalid`, `too_large` */
  constructor(partition: string, names: Keys, commit: Commit) {
    const { id, checks = NONE, seqIs, puts = NONE, appends = NONE, deletes = NONE, due, drop } = commit;
    if (drop && puts.length + appends.length > 0)
      throw new StoreError('invalid', `drop of ${partition} would leave what the same commit writes`);
    if (checks.length > MOST_CHECKS)
      throw new StoreError(
        'too_large',
        `${checks.length} checks of one commit in ${partition}; this store takes ${MOST_CHECKS}`,
      );
    const [mode, ms] = drop ? DROP : due === undefined ? LEAVE : dueOf(due);
    this.#partition = partition;
    this.#id = id;
    this.#appends = appends.length > 0;
    this.#names = names;
    this.#entriesOnly = mode === '' && !this.#appends;
    const words: Word[] = [id, seqIs ?? '', mode, ms, checks.length];
    for (const { key, rev } of checks) words.push(key, revisionWord(rev));
    words.push(puts.length);
    let bytes = 0;
    for (const { key, value } of puts) {
      words.push(key, value.byteLength);
      bytes += value.byteLength;
    }
    words.push(appends.length);
    for (const value of appends) {
      words.push(value.byteLength);
      bytes += value.byteLength;
    }
    // As often as a caller names them: a script takes some thousands at once.
    const gone = deletes.length > 1 ? [...new Set(deletes)] : deletes;
    words.push(gone.length, ...gone);
    this.words = words;
    this.values = Buffer.allocUnsafe(bytes);
    let at = 0;
    for (const { value } of puts) {
      this.values.set(value, at);
      at += value.byteLength;
    }
    for (const value of appends) {
      this.values.set(value, at);
      at += value.byteLength;
    }
    this.shares = checks.length + puts.length + appends.length + deletes.length <= FEW_OPS;
  }

  keys(all: boolean): readonly string[] {
    if (!all) return [this.#names.entries(this.#partition)];
    const keys = this.#names.all(this.#partition);
    return this.#entriesOnly ? keys.slice(0, 2) : keys;
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
