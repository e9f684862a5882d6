import type { RootCommit } from './protocol.js';

/**
 * The roots of an instance form one chain: each commit replaces the one before. Two that replaced the same one got past the
 * fence, and one of them was made by a holder that had lost the instance.
 *
 * @param commits all that replaced the root of one instance, as far as those who made them could tell
 * @returns those that were applied although another had replaced the same root
 */
export function forks(commits: readonly RootCommit[]): RootCommit[] {
  const replaced = new Map<string | null, string>();
  return commits.filter(({ ok, id, after }) => {
    if (!ok) return false;
    const by = replaced.get(after);
    if (by === undefined) replaced.set(after, id);
    return by !== undefined && by !== id;
  });
}
