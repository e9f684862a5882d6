import type { Commit, CommitResult, Entry, Key, Revision, ScanQuery, Snapshot, Store } from '@motion-ts/core/store';
import { StoreError, type StoreErrorCode } from '@motion-ts/core/store';

/** A call as it is made, on the store and on the model. */
export type Call =
  | { readonly method: 'commit'; readonly partition: string; readonly commit: Commit }
  | {
      readonly method: 'get';
      readonly partition: string;
      readonly keys: readonly Key[];
      readonly known: readonly (Revision | undefined)[];
    }
  | {
      readonly method: 'list';
      readonly partition: string;
      readonly prefix: string;
      readonly after: Key | undefined;
      readonly limit: number;
    }
  | { readonly method: 'scan'; readonly query: ScanQuery; readonly among: readonly string[] }
  | { readonly method: 'cacheSet'; readonly partition: string; readonly key: Key; readonly value: Uint8Array }
  | { readonly method: 'cacheGet'; readonly partition: string; readonly key: Key }
  | { readonly method: 'cacheClear'; readonly partition: string };

/** What came of a call. */
export type Outcome =
  | { readonly committed: CommitResult }
  | { readonly snapshot: Snapshot }
  | { readonly listed: readonly Entry[] }
  | { readonly scanned: readonly string[] }
  | { readonly cached: Uint8Array | undefined }
  | { readonly done: true }
  | { readonly rejected: StoreErrorCode; readonly message: string };

const CACHED_MS = 600_000;
/** More pages than any of these scans has: one that never ends is found out. */
const MOST_PAGES = 1_000;

/**
 * Makes a call.
 *
 * @throws whatever is no StoreError
 */
export async function make(store: Store, call: Call): Promise<Outcome> {
  try {
    return await attempt(store, call);
  } catch (error) {
    if (!StoreError.is(error)) throw error;
    return { rejected: error.code, message: error.message };
  }
}

async function attempt(store: Store, call: Call): Promise<Outcome> {
  switch (call.method) {
    case 'commit':
      return { committed: await store.commit(call.partition, call.commit) };
    case 'get':
      return { snapshot: await store.get(call.partition, call.keys, { known: call.known }) };
    case 'list':
      return { listed: await listAll(store, call.partition, call.prefix, call.limit, call.after) };
    case 'scan': {
      const all = await scanAll(store, call.query);
      return { scanned: [...new Set(all)].filter((name) => call.among.includes(name)) };
    }
    case 'cacheSet':
      await store.cacheSet(call.partition, call.key, call.value, CACHED_MS);
      return { done: true };
    case 'cacheGet':
      return { cached: await store.cacheGet(call.partition, call.key) };
    case 'cacheClear':
      await store.cacheClear(call.partition);
      return { done: true };
  }
}

/** All entries behind `after`, page by page. */
export async function listAll(
  store: Store,
  partition: string,
  prefix: string,
  limit: number,
  after?: Key,
): Promise<readonly Entry[]> {
  const all: Entry[] = [];
  let behind = after;
  for (;;) {
    const page = await store.list(partition, { prefix, limit, ...(behind !== undefined && { after: behind }) });
    if (page.length === 0) return all;
    if (page.length > limit) throw new Error(`a list of at most ${limit} gave ${page.length} entries`);
    for (const entry of page) {
      // Without this, a store that does not go on would keep the loop for ever.
      if (behind !== undefined && entry.key <= behind) throw new Error(`a list gave ${entry.key} behind ${behind}`);
      behind = entry.key;
      all.push(entry);
    }
  }
}

async function scanAll(store: Store, query: ScanQuery): Promise<string[]> {
  const all: string[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const page = await store.scan(query, cursor);
    all.push(...page.partitions);
    if (page.cursor === undefined) return all;
    cursor = page.cursor;
  }
  throw new Error(`the scan of ${JSON.stringify(query)} does not end`);
}

/** Between the clocks and moments of two stores that were told the same; far below what sets two dues apart. */
const SAME_DUE_MS = 120_000;

/** Whether the store's outcome is one that the model's allows. */
export function agree(call: Call, ofStore: Outcome, ofModel: Outcome): boolean {
  if ('rejected' in ofStore || 'rejected' in ofModel)
    return 'rejected' in ofStore && 'rejected' in ofModel && ofStore.rejected === ofModel.rejected;
  if ('committed' in ofStore && 'committed' in ofModel) return sameResult(ofStore.committed, ofModel.committed);
  if ('snapshot' in ofStore && 'snapshot' in ofModel)
    return sameSnapshot(ofStore.snapshot, ofModel.snapshot, call.method === 'get' ? call.known : []);
  if ('listed' in ofStore && 'listed' in ofModel) return sameEntries(ofStore.listed, ofModel.listed);
  if ('scanned' in ofStore && 'scanned' in ofModel) {
    // Those that are due by the same moment may come in any order, and the model knows no order of a prefix.
    const [store, model] = [ofStore.scanned, ofModel.scanned].map((names) => [...names].sort().join(' '));
    return store === model;
  }
  // A cached value may vanish at any time.
  if ('cached' in ofStore && 'cached' in ofModel)
    return ofStore.cached === undefined || sameBytes(ofStore.cached, ofModel.cached);
  return 'done' in ofStore && 'done' in ofModel;
}

function sameResult(ofStore: CommitResult, ofModel: CommitResult): boolean {
  if (ofStore.ok && ofModel.ok) return ofStore.seq === ofModel.seq;
  if (ofStore.ok || ofModel.ok) return false;
  return ofStore.failed.length > 0 && ofStore.failed.every((key) => ofModel.failed.includes(key));
}

/** `known` is what the store was told; the model was told nothing. */
export function sameSnapshot(store: Snapshot, model: Snapshot, known: readonly (Revision | undefined)[]): boolean {
  if (store.seq !== model.seq || store.entries.length !== model.entries.length) return false;
  if (store.dueIn === null || model.dueIn === null) {
    if (store.dueIn !== model.dueIn) return false;
  } else if (!(Math.abs(store.dueIn - model.dueIn) < SAME_DUE_MS)) return false;
  return store.entries.every((entry, i) => {
    const expected = model.entries[i];
    if (entry === undefined || expected === undefined) return entry === expected;
    if (entry.key !== expected.key || entry.rev !== expected.rev) return false;
    return entry.value === undefined ? entry.rev === known[i] : sameBytes(entry.value, expected.value);
  });
}

export function sameEntries(store: readonly Entry[], model: readonly Entry[]): boolean {
  return (
    store.length === model.length &&
    store.every((entry, i) => {
      const expected = model[i] as Entry;
      return entry.key === expected.key && entry.rev === expected.rev && sameBytes(entry.value, expected.value);
    })
  );
}

function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}
