import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Commit, CommitResult, Entry, ScanQuery, Store } from '@motion-ts/core/store';
import { StoreError, type StoreErrorCode } from '@motion-ts/core/store';

export type { Group } from './options.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const session = randomBytes(8).toString('hex');
let counter = 0;

/** An id never given before, for commits, partitions and namespaces. */
export function fresh(what: string): string {
  return `${what}-${session}-${(counter++).toString(36)}`;
}

/** A commit under a fresh id. */
export function change(commit: Omit<Commit, 'id'>): Commit {
  return { id: fresh('c'), ...commit };
}

export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

export function text(value: Uint8Array | undefined): string | undefined {
  return value && decoder.decode(value);
}

/** Puts texts, without a check. */
export async function putTexts(store: Store, partition: string, texts: Record<string, string>): Promise<string> {
  const commit = change({ puts: Object.entries(texts).map(([key, value]) => ({ key, value: bytes(value) })) });
  applied(await store.commit(partition, commit));
  return commit.id;
}

/** The values of some entries as texts. */
export async function texts(store: Store, partition: string, ...keys: string[]): Promise<(string | undefined)[]> {
  return (await store.get(partition, keys)).entries.map((entry) => text(entry?.value));
}

/** All entries whose key starts with a prefix, page by page. */
export async function entriesOf(store: Store, partition: string, prefix: string, limit = 500): Promise<Entry[]> {
  const all: Entry[] = [];
  for (;;) {
    const after = all.at(-1)?.key;
    const page = await store.list(partition, { prefix, limit, ...(after !== undefined && { after }) });
    assert.ok(page.length <= limit, `gave ${page.length} entries for a limit of ${limit}`);
    if (page.length === 0) return all;
    assert.ok(after === undefined || (page[0] as Entry).key > after, `gave ${page[0]?.key} behind ${after}`);
    all.push(...page);
  }
}

/** All partitions that a scan gives, page by page. */
export async function scanAll(store: Store, query: ScanQuery): Promise<string[]> {
  const all: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.scan(query, cursor);
    all.push(...page.partitions);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return all;
}

/** Reads until nothing was appended meanwhile: what was sent before an outage or a death may still arrive. */
export async function whileStill<T>(store: Store, partition: string, read: (seq: number) => Promise<T>): Promise<T> {
  for (let tries = 0; tries < 100; tries++) {
    const { seq } = await store.get(partition, []);
    const result = await read(seq);
    if ((await store.get(partition, [])).seq === seq) return result;
  }
  assert.fail(`values are still appended in ${partition}, though nobody writes any more`);
}

/** Asserts that a commit was applied. */
export function applied(result: CommitResult): asserts result is CommitResult & { ok: true } {
  assert.equal(result.ok, true, `the commit was refused: ${JSON.stringify(result)}`);
}

/** Asserts that a commit was refused for a check of this key. */
export function refused(result: CommitResult, key: string): void {
  assert.equal(result.ok, false, 'the commit was applied although a check of it fails');
  assert.ok(!result.ok && result.failed.includes(key), `failed does not name ${key}: ${JSON.stringify(result)}`);
}

/** Asserts that a call rejects with a StoreError of a code. */
export async function rejects(call: Promise<unknown>, code: StoreErrorCode): Promise<void> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!('error' in outcome)) assert.fail(`resolved to ${inspect(outcome.value)} instead of rejecting with ${code}`);
  assert.ok(StoreError.is(outcome.error), `rejected with no StoreError: ${inspect(outcome.error)}`);
  assert.equal(outcome.error.code, code, `rejected with ${outcome.error.code}: ${outcome.error.message}`);
}

/** Waits until a condition holds; fails after a deadline. */
export async function eventually(what: string, holds: () => Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) assert.fail(`${what}: not within ${withinMs} ms`);
    await pause(5);
  }
}

/** Fails if a call does not settle in time; otherwise as the call. */
export async function settles<T>(what: string, call: Promise<T>, withinMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: `${what} did not settle` })), withinMs);
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Lets the event loop turn once. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function inspect(value: unknown): string {
  return value instanceof Error
    ? `${value.name}: ${value.message}`
    : (JSON.stringify(value)?.slice(0, 200) ?? 'undefined');
}
