import { msgpackCodec } from '@motion-ts/core';
import type { Commit } from '@motion-ts/core/store';

/** What a commit of core is for, told from what it holds. */
export type CommitKind =
  | 'append'
  | 'direct commit'
  | 'take'
  | 'careful mark'
  | 'drain commit'
  | 'retry'
  | 'dead letter'
  | 'renew'
  | 'release'
  | 'permit'
  | 'create'
  | 'chunk'
  | 'forget'
  | 'clear mark'
  | 'clear page'
  | 'clear end'
  | 'other';

/** The entry `root`, read independently of core's own code. */
export interface RootFields {
  readonly holder: string | null;
  readonly epoch: number;
  readonly cursor: number;
  readonly tries: number;
  readonly carefulUntil: number;
  readonly running: string | null;
}

const codec = msgpackCodec();
const RUNNING = 11;
const CRASHES = 12;

/** The root that a commit puts. */
export function rootOf({ puts }: Commit): RootFields | undefined {
  const put = puts?.find(({ key }) => key === 'root');
  if (!put) return undefined;
  const [, , holder, epoch, , cursor, , , tries, , carefulUntil, running] = codec.decode(put.value) as never[];
  return { holder, epoch, cursor, tries, carefulUntil, running } as unknown as RootFields;
}

/** Who holds an instance, as its root says. */
export function holderOf(root: Uint8Array): string | null {
  return (codec.decode(root) as (string | null)[])[2] ?? null;
}

/** Of a commit that takes an instance: from a holder that had not given it back. Then whoever takes it is careful. */
export function isTakeover(commit: Commit): boolean {
  const root = rootOf(commit);
  return root !== undefined && root.carefulUntil > root.cursor;
}

/** The commit, but its root counts no crashes. */
export function withoutCrashes(commit: Commit): Commit {
  return {
    ...commit,
    puts: commit.puts?.map((put) => {
      if (put.key !== 'root') return put;
      const fields = codec.decode(put.value) as unknown[];
      if (fields[RUNNING] === undefined) throw new Error('root has no such field');
      fields[CRASHES] = 0;
      return { key: put.key, value: codec.encode(fields, 'root') };
    }),
  };
}

/** Tells kinds of commits; by what this process committed before, where the commit alone does not say. */
export class Kinds {
  /** The last root of each partition that this process put. */
  private readonly roots = new Map<string, RootFields>();

  of(partition: string, commit: Commit): CommitKind {
    const puts = (prefix: string): boolean => commit.puts?.some(({ key }) => key.startsWith(prefix)) ?? false;
    const deletes = (prefix: string): boolean => commit.deletes?.some((key) => key.startsWith(prefix)) ?? false;
    if (commit.appends) return 'append';
    if (commit.drop) return 'clear end';
    if (puts('gone')) return 'clear mark';
    if (commit.checks?.some(({ key, rev }) => key === 'gone' && rev !== null)) return 'clear page';
    if (puts('init')) return 'create';
    if (puts('b/')) return 'chunk';
    const root = rootOf(commit);
    if (!root) return puts('w/') ? 'permit' : deletes('b/') ? 'forget' : 'other';
    const { holder, epoch, running, tries } = root;
    if (puts('w/')) return 'direct commit';
    if (puts('o/')) return 'dead letter';
    if (deletes('q/') || puts('s/') || commit.checks?.some(({ key }) => key.startsWith('q/')))
      return holder === null && tries > 0 ? 'retry' : 'drain commit';
    if (holder === null) return 'release';
    const before = this.roots.get(partition);
    if (before?.epoch !== epoch) return 'take';
    return running !== null && running !== before.running ? 'careful mark' : 'renew';
  }

  /** It was applied. */
  applied(partition: string, commit: Commit): void {
    const root = rootOf(commit);
    if (root) this.roots.set(partition, root);
  }
}
