import { MotionError } from '../errors.js';
import { parsePartition, partitionPrefix } from '../state/keys.js';
import { decodeBatch } from '../state/records.js';
import { listDeadLetters } from './dead-letters.js';
import type { OpenedInstance } from './opened.js';
import type { Settings } from './options.js';

const PAGE = 100;

/** What {@link Inspection} promises, untyped. */
export interface Inspected {
  readonly id: string;
  readonly state: Readonly<Record<string, unknown>>;
  readonly version: number;
  readonly queued: number;
  readonly deadLetters: number;
  readonly lease: { readonly holder: string; readonly epoch: number } | null;
  readonly dueInMs: number | null;
}

/** Looks at an instance without opening it: nothing is written, nothing runs. */
export async function inspectInstance({ queue, id }: OpenedInstance): Promise<Inspected> {
  const { committed, seq, dueIn } = await queue.view.refresh();
  const { root } = committed;
  const { holder, epoch } = root;
  return {
    id,
    state: committed.state,
    version: root.version,
    queued: seq > root.cursor ? Math.max(0, (await countQueued(queue)) - root.index) : 0,
    deadLetters: root.deadLetters === 0 ? 0 : (await listDeadLetters(queue)).length,
    lease: holder === null ? null : { holder, epoch },
    dueInMs: seq > root.cursor && dueIn !== null ? Math.max(0, holder === null ? dueIn : 0) : null,
  };
}

async function countQueued({ store, partition, chunks, what }: OpenedInstance['queue']): Promise<number> {
  let count = 0;
  let after: string | undefined;
  for (;;) {
    const page = await store.list(partition, { prefix: 'q/', limit: PAGE, ...(after !== undefined && { after }) });
    for (const { key, rev, value } of page) {
      const bytes = await chunks.read(value);
      // Done and deleted between the list and here; if it is still there, it is damaged.
      if (!bytes && (await store.get(partition, [key])).entries[0]?.rev === rev)
        throw new MotionError('CORRUPT', `${key} of ${what} is damaged in the store, or chunks of it are missing`);
      if (bytes) for (const { updates } of decodeBatch(bytes, `${key} of ${what}`)) count += updates.length;
    }
    after = page.at(-1)?.key;
    if (after === undefined) return count;
  }
}

/** The ids of all instances of a component, in no order; one that is made or cleared meanwhile may or may not be there. */
export async function* instanceIds({ store }: Settings, component: string): AsyncGenerator<string> {
  const seen = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await store.scan({ prefix: partitionPrefix(component) }, cursor);
    for (const partition of page.partitions) {
      const id = parsePartition(partition)?.id;
      if (id === undefined || seen.has(id)) continue;
      seen.add(id);
      yield id;
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
}
