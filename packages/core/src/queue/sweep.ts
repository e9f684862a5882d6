import { afterGroup, CHUNKS, IDEMPOTENCY, manifestKey, OUTCOMES, SLOTS } from '../state/keys.js';
import { decodeOutcome, decodeStamp, decodeUsedKey, type Root } from '../state/records.js';
import type { Committed } from '../state/view.js';
import type { Check, Entry, Key } from '../store/contract.js';
import type { FencedCommit } from '../store/fence.js';
import type { QueueContext } from './context.js';

type FencedChange = (next: (root: Root) => Root, rest?: FencedCommit) => Promise<boolean>;

/** Entries of one kind that one sweep looks at: the rest waits for the next. */
const MOST = 2_000;
const PAGE = 100;
/** Chunks are written before the commit that points to them: younger ones may be on their way. */
const ORPHAN_AGE_MS = 3_600_000;

/**
 * Removes what nobody refers to any more: used idempotency keys, writers' slots and outcomes of discarded updates that are
 * old, and chunks without a pointer. Done by the holder, between two pieces of work and under its fence; each entry is
 * deleted under a check of its revision, so one that was renewed meanwhile stays. Ages go by clocks and decide nothing but
 * how long something is remembered.
 */
export async function sweep(queue: QueueContext, state: Committed, change: FencedChange): Promise<void> {
  const { env, what } = queue;
  const now = env.now();
  const { keepMs } = queue.options;
  const old: Check[] = [];
  const referenced = new Set<string>();
  for (const entry of state.entries.values()) if (entry.group) referenced.add(entry.group.id);
  const collect = async (prefix: string, isOld: (entry: Entry, name: string) => boolean): Promise<void> => {
    for await (const entry of entries(queue, prefix))
      if (isOld(entry, `the entry '${entry.key}' of ${what}`)) old.push(entry);
  };
  await collect(SLOTS, ({ value }, name) => now - decodeStamp(value, name) > keepMs);
  await collect(IDEMPOTENCY, ({ value }, name) => now - decodeUsedKey(value, name).at > keepMs);
  await collect(OUTCOMES, ({ value }, name) => {
    const outcome = decodeOutcome(value, name);
    if (outcome.kind === 'dead') {
      const group = queue.chunks.groupOf(outcome.payload);
      if (group) referenced.add(group.id);
    }
    return outcome.kind === 'discarded' && now - outcome.at > keepMs;
  });
  const swept = (root: Root): Root => ({ ...root, beat: root.beat + 1, sweptAt: now });
  await change(swept);
  for (const entry of old) {
    // One at a time: a renewed entry refuses its own commit and no other.
    await change((root) => ({ ...root, beat: root.beat + 1 }), {
      checks: [{ key: entry.key, rev: entry.rev }],
      deletes: [entry.key],
    });
  }
  await sweepChunks(queue, referenced, now, change);
}

/** A page at a time, a bounded number in all. */
async function* entries({ store, partition }: QueueContext, prefix: string): AsyncGenerator<Entry> {
  let after: Key | undefined;
  for (let n = 0; n < MOST; ) {
    const page = await store.list(partition, { prefix, limit: PAGE, ...(after !== undefined && { after }) });
    if (page.length === 0) return;
    yield* page;
    n += page.length;
    after = page.at(-1)?.key;
  }
}

async function sweepChunks(
  queue: QueueContext,
  referenced: ReadonlySet<string>,
  now: number,
  change: FencedChange,
): Promise<void> {
  const { store, partition, what } = queue;
  let after: Key | undefined;
  for (let n = 0; n < MOST; n++) {
    // One entry a group: its manifest sorts first, and the chunks need not travel.
    const [first] = await store.list(partition, { prefix: CHUNKS, limit: 1, ...(after !== undefined && { after }) });
    if (!first) return;
    const id = first.key.slice(CHUNKS.length, first.key.indexOf('/', CHUNKS.length));
    after = afterGroup(id);
    if (referenced.has(id)) continue;
    const isManifest = first.key === manifestKey(id);
    if (isManifest && now - decodeStamp(first.value, `the entry '${first.key}' of ${what}`) <= ORPHAN_AGE_MS) continue;
    // The manifest goes first, under the fence: from then on no commit that would point to the group can succeed.
    if (
      isManifest &&
      !(await change((root) => ({ ...root, beat: root.beat + 1 }), {
        checks: [{ key: first.key, rev: first.rev }],
        deletes: [first.key],
      }))
    )
      continue;
    await deleteGroup(queue, id);
  }
}

async function deleteGroup({ store, env, partition }: QueueContext, id: string): Promise<void> {
  for (;;) {
    const page = await store.list(partition, { prefix: `${CHUNKS}${id}/`, limit: 8 });
    if (page.length === 0) return;
    await store.commit(partition, { id: env.id(), deletes: page.map(({ key }) => key) });
  }
}
