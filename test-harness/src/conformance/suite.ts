import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Commit, CommitResult, Store } from '@motion-ts/core/store';
import { StoreError, type StoreErrorCode } from '@motion-ts/core/store';

/** The two functions of a test runner that the suite needs: those of vitest, node:test, bun or another. */
export interface Runner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly test: (name: string, body: () => Promise<void>) => unknown;
}

/** What a store publicly declares that it does not do, or does later. Only this skips or softens a case. */
export interface Supports {
  /** Whether two opens of one namespace share data; true by default. A store inside one process may say false. */
  readonly sharedNamespace?: boolean;
  /** Whether it has `watch`; true by default. */
  readonly watch?: boolean;
  /** How late `scan` may be, in ms; 0 by default. */
  readonly scanLagMs?: number;
}

/** Options of {@link conformance}. */
export interface ConformanceOptions extends Runner {
  /** The store's name, for the titles of the cases. */
  readonly name: string;
  /**
   * Opens the store. Two opens of one namespace are two clients of the same data, and two namespaces share nothing. The
   * suite closes whatever it opens.
   *
   * @param namespace letters, digits and `-`; new in every run
   */
  readonly open: (namespace: string) => Promise<Store>;
  readonly supports?: Supports;
}

/** What a case works with. Whatever it opens is closed after it. */
export interface Fixture {
  /** The store under test. */
  readonly store: Store;
  /** Another client of the same data; the same one if the store has no shared namespaces. */
  readonly other: Store;
  /** A partition that nobody else uses. */
  readonly partition: string;
  /** Opens one more store, to be closed by the case or after it. */
  readonly open: (namespace?: string) => Promise<Store>;
}

/** How a group of cases adds a case. */
export type Case = (name: string, body: (fixture: Fixture) => Promise<void>) => void;

/** A group of cases. */
export type Group = (add: Case, supports: Required<Supports>) => void;

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
export async function eventually(what: string, holds: () => Promise<boolean>, withinMs = 5000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) assert.fail(`${what}: not within ${withinMs} ms`);
    await pause(5);
  }
}

/** Fails if a call does not settle in time; otherwise as the call. */
export async function settles<T>(what: string, call: Promise<T>, withinMs = 5000): Promise<T> {
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
