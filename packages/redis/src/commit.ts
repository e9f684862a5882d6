import { type Commit, type CommitResult, StoreError } from '@motion-ts/core/store';

const NONE: readonly never[] = [];
/** Times are exact as integers up to 2 ** 53; this leaves room for now. */
const FARTHEST_MS = 2 ** 52;

/**
 * What the script `commit` takes. Copies the values: the caller may change them as soon as the call returns.
 *
 * @throws StoreError `invalid`
 */
export function commitArguments(partition: string, commit: Commit): (string | Buffer)[] {
  const { id, checks = NONE, seqIs, puts = NONE, appends = NONE, deletes = NONE, drop } = commit;
  if (drop && puts.length + appends.length > 0)
    throw new StoreError('invalid', `drop of ${partition} would leave what the same commit writes`);
  const [mode, ms] = dueOf(commit);
  const args: (string | Buffer)[] = [
    partition,
    id,
    seqIs === undefined ? '' : String(seqIs),
    mode,
    ms,
    String(checks.length),
    String(puts.length),
    String(appends.length),
  ];
  for (const { key } of checks) args.push(key);
  for (const { rev } of checks) args.push(rev ?? '');
  for (const { key, value } of puts) args.push(key, entryOf(id, value));
  for (const value of appends) args.push(entryOf(id, value));
  args.push(...deletes);
  return args;
}

/** Whether a commit changes more than entries: then it needs the indexes of its bucket as well. */
export function touchesHead({ appends, due, drop }: Commit): boolean {
  return due !== undefined || drop === true || (appends !== undefined && appends.length > 0);
}

/** What the script `commit` answered. */
export function commitResult(answer: unknown, { appends }: Commit): CommitResult {
  if (Array.isArray(answer)) return { ok: false, failed: answer.map(String) };
  return appends !== undefined && appends.length > 0 ? { ok: true, seq: Number(answer) } : { ok: true };
}

function dueOf({ due, drop }: Commit): [mode: string, ms: string] {
  if (drop) return ['drop', ''];
  if (due === undefined) return ['', ''];
  if (!('in' in due)) return ['ifnull', msOf(due.ifNullIn)];
  return due.in === null ? ['clear', ''] : ['in', msOf(due.in)];
}

function msOf(ms: number): string {
  return String(Math.round(Math.max(-FARTHEST_MS, Math.min(FARTHEST_MS, ms))));
}

/** An entry as it is stored: its revision, a space, its value. */
function entryOf(rev: string, value: Uint8Array): Buffer {
  const entry = Buffer.allocUnsafe(rev.length + 1 + value.byteLength);
  entry.write(rev, 'latin1');
  entry[rev.length] = 0x20;
  entry.set(value, rev.length + 1);
  return entry;
}
