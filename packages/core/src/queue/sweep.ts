import { afterGroup, CHUNKS, IDEMPOTENCY, manifestKey, OUTCOMES, SLOTS } from '../state/keys.js';
import { decodeOutcome, decodeStamp, decodeUsedKey } from '../state/records.js';
import type { Check, Entry, Key } from '../store/contract.js';
import { StoreError } from '../store/errors.js';
import type { QueueContext } from './context.js';
import type { Tenure } from './tenure.js';

/** Entries of one kind that one sweep looks at: the next one begins elsewhere. */
const MOST = 2_000;
const PAGE = 100;
/** Chunks are written before the commit that points to them: younger ones may be on their way. */
const ORPHAN_AGE_MS = 3_600_000;
/** A writer's slot makes late copies of its appends void, so it outlives any copy that could still be under way. */
const SLOT_AGE_MS = 30 * 24 * 3_600_000;

type Judge = (entry: Entry, name: string) => boolean;

/**
 * Removes what nobody refers to any more: old idempotency keys, writers' slots and outcomes of discarded updates, and chunks
 * without a pointer. Done by the holder between two pieces of work, under its fence; each entry goes under a check of its
 * revision, so one that was renewed meanwhile stays. Ages go by clocks and decide nothing but how long something is
 * remembered.
 *
 * @param interrupted asked again and again: there is work, or no more time
 */
export async function sweep(queue: QueueContext, tenure: Tenure, interrupted: () => boolean): Promise<void> {
  const { env, events, what } = queue;
  const now = env.now();
  try {
    await sweepOld(queue, tenure, interrupted, now);
    await sweepChunks(queue, tenure, interrupted, now);
  } catch (cause) {
    // It is no reason to stop working; but a lost lease is, and an outage ends this drain soon enough.
    if (!StoreError.is(cause, 'unavailable')) events.warn(`${what}: sweeping what nobody refers to failed`, cause);
    tenure.assertHeld();
  }
  await tenure.commitRoot((root) => ({ ...root, beat: root.beat + 1, sweptAt: now }));
}

async function sweepOld(queue: QueueContext, tenure: Tenure, interrupted: () => boolean, now: number): Promise<void> {
  const { keepMs } = queue.options;
  const kinds: readonly (readonly [prefix: string, isOld: Judge])[] = [
    [SLOTS, ({ value }, name) => now - decodeStamp(value, name) > SLOT_AGE_MS],
    [IDEMPOTENCY, ({ value }, name) => now - decodeUsedKey(value, name).at > keepMs],
    [
      OUTCOMES,
      ({ value }, name) => {
        const outcome = decodeOutcome(value, name);
        return outcome.kind === 'discarded' && now - outcome.at > keepMs;
      },
    ],
  ];
  for (const [prefix, isOld] of kinds) {
    let old: Check[] = [];
    const most = Math.min(PAGE, Math.floor(queue.store.limits.commitOps / 2));
    for await (const entry of someOf(queue, prefix)) {
      if (interrupted()) return;
      if (!judge(queue, entry, isOld)) continue;
      old.push(entry);
      if (old.length < most) continue;
      await remove(tenure, old);
      old = [];
    }
    if (old.length > 0) await remove(tenure, old);
  }
}

/** One that cannot be read is not ours to delete. */
function judge({ events, what }: QueueContext, entry: Entry, isOld: Judge): boolean {
  const name = `the entry '${entry.key}' of ${what}`;
  try {
    return isOld(entry, name);
  } catch (cause) {
    events.warn(`${name} is left alone`, cause);
    return false;
  }
}

/** If one of them was renewed meanwhile, they all stay until the next sweep. */
async function remove(tenure: Tenure, old: readonly Check[]): Promise<void> {
  const checks = old.map(({ key, rev }) => ({ key, rev }));
  await tenure.commitRoot(undefined, { checks, deletes: old.map(({ key }) => key) });
}

/** A bounded number of entries, from a random key on and round to it, so that in time each has its turn. */
async function* someOf({ store, env, partition }: QueueContext, prefix: string): AsyncGenerator<Entry> {
  const start = prefix + env.random().toString(36).slice(2, 6);
  let after: Key | undefined = start;
  let wrapped = false;
  for (let n = 0; n < MOST; ) {
    const page: readonly Entry[] = await store.list(partition, {
      prefix,
      limit: PAGE,
      ...(after !== undefined && { after }),
    });
    for (const entry of page) {
      if (wrapped && entry.key > start) return;
      yield entry;
    }
    n += page.length;
    if (page.length > 0) after = page.at(-1)?.key;
    else if (wrapped) return;
    else {
      wrapped = true;
      after = undefined;
    }
  }
}

async function sweepChunks(
  queue: QueueContext,
  tenure: Tenure,
  interrupted: () => boolean,
  now: number,
): Promise<void> {
  const { store, partition, what } = queue;
  let referenced: ReadonlySet<string> | undefined;
  let after: Key | undefined;
  for (let n = 0; n < MOST && !interrupted(); n++) {
    // One entry a group: its manifest sorts first, and the chunks need not travel.
    const [first] = await store.list(partition, { prefix: CHUNKS, limit: 1, ...(after !== undefined && { after }) });
    if (!first) return;
    const id = first.key.slice(CHUNKS.length, first.key.indexOf('/', CHUNKS.length));
    after = afterGroup(id);
    referenced ??= await references(queue, tenure);
    if (referenced.has(id)) continue;
    const name = `the entry '${first.key}' of ${what}`;
    if (first.key === manifestKey(id)) {
      if (now - decodeStamp(first.value, name) <= ORPHAN_AGE_MS) continue;
      // The manifest goes first, while nothing is queued that might point to it: from then on no commit that would make
      // the group visible can succeed.
      const { cursor } = tenure.root;
      const rest = { checks: [{ key: first.key, rev: first.rev }], deletes: [first.key], seqIs: cursor };
      if (!(await tenure.commitRoot(undefined, rest))) continue;
    }
    await deleteGroup(queue, id);
  }
}

/** The chunks that the state and dead letters point to. */
async function references({ store, partition, what, chunks }: QueueContext, tenure: Tenure): Promise<Set<string>> {
  const referenced = new Set<string>();
  for (const { group } of tenure.state.entries.values()) if (group) referenced.add(group.id);
  let after: Key | undefined;
  for (;;) {
    const page: readonly Entry[] = await store.list(partition, {
      prefix: OUTCOMES,
      limit: PAGE,
      ...(after !== undefined && { after }),
    });
    for (const { key, value } of page) {
      const outcome = decodeOutcome(value, `the entry '${key}' of ${what}`);
      const group = outcome.kind === 'dead' ? chunks.groupOf(outcome.payload) : undefined;
      if (group) referenced.add(group.id);
    }
    after = page.at(-1)?.key;
    if (after === undefined) return referenced;
  }
}

/** Only while there is no manifest: chunks that are listed without theirs may belong to a commit under way. */
async function deleteGroup({ store, env, partition }: QueueContext, id: string): Promise<void> {
  const checks = [{ key: manifestKey(id), rev: null }];
  for (;;) {
    const page = await store.list(partition, { prefix: `${CHUNKS}${id}/`, limit: 8 });
    if (page.length === 0) return;
    const result = await store.commit(partition, { id: env.id(), checks, deletes: page.map(({ key }) => key) });
    if (!result.ok) return;
  }
}
