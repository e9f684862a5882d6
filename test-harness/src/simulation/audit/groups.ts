import type { ServerPartition } from '../server.js';
import { groupOf, readOutcome, readStored } from './layout.js';

/** Groups of chunks that something points to, and those of them whose chunks are not there. */
export function referencedGroups(partition: ServerPartition): {
  readonly all: ReadonlySet<string>;
  readonly missing: readonly string[];
} {
  const all = new Set<string>();
  const missing: string[] = [];
  for (const [key, { value }] of partition.entries) {
    const stored = key.startsWith('o/')
      ? readOutcome(value).payload
      : key.startsWith('s/') || key.startsWith('q/')
        ? value
        : undefined;
    const group = stored && groupOf(stored);
    if (!stored || group === undefined) continue;
    all.add(group);
    if (!readStored(partition, stored)) missing.push(`${key} -> ${group}`);
  }
  return { all, missing };
}

/** A chunk that nothing points to, if there is one. */
export function orphanIn(partition: ServerPartition): string | undefined {
  const { all } = referencedGroups(partition);
  return [...partition.entries.keys()].find((key) => key.startsWith('b/') && !all.has(key.split('/')[1] ?? ''));
}
