import assert from 'node:assert/strict';
import { type Instance, MotionError, type MotionErrorCode, StoreError, type StoreErrorCode } from '@motion-ts/core';
import type { Entry, Store } from '@motion-ts/core/store';
import { eventually as within } from '../conformance/suite.js';

/** Long enough for a slow store on a busy machine: only what hangs takes as long. */
const PATIENCE_MS = 25_000;

/** Waits until a condition holds. */
export function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  return within(what, async () => holds(), PATIENCE_MS);
}

/** What a call rejects with. */
export async function errorOf(call: Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await call;
  } catch (error) {
    return error;
  }
  return assert.fail(`resolved to ${JSON.stringify(value)?.slice(0, 200)} instead of rejecting`);
}

/**
 * Asserts that a call rejects with an error of the library.
 *
 * @param message what it must say
 * @returns the error
 */
export async function rejects(
  call: Promise<unknown>,
  code: MotionErrorCode | StoreErrorCode,
  message?: RegExp,
): Promise<MotionError> {
  const error = await errorOf(call);
  assert.ok(
    MotionError.is(error) || StoreError.is(error),
    `rejected with an error of no kind of ours: ${String(error)}`,
  );
  assert.equal((error as MotionError).code, code, `rejected with ${(error as MotionError).code}: ${error.message}`);
  if (message) assert.match(error.message, message);
  return error as MotionError;
}

/** Asserts that a call rejects with `UPDATE_FAILED`, for an error with such a message. */
export async function failsBy(call: Promise<unknown>, cause: RegExp): Promise<void> {
  const error = await rejects(call, 'UPDATE_FAILED');
  assert.match(String((error.cause as Error | undefined)?.message), cause);
}

/** All that an async iterable gives. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** So many, made one by one. */
export function times<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n));
}

/** The words `w0`, `w1`, ... */
export function words(count: number): string[] {
  return times(count, (n) => `w${n}`);
}

/** The only dead letter of an instance. */
export async function onlyDeadLetter(
  instance: Pick<Instance, 'deadLetters'>,
): Promise<Awaited<ReturnType<Instance['deadLetters']>>[number]> {
  const [letter, ...more] = await instance.deadLetters();
  assert.ok(letter, 'there is no dead letter');
  assert.equal(more.length, 0, 'there are more dead letters than one');
  return letter;
}

/** All entries of a partition. */
export async function entriesOf(store: Store, partition: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let after: string | undefined; ; after = entries.at(-1)?.key) {
    const page = await store.list(partition, { prefix: '', limit: 20, ...(after !== undefined && { after }) });
    if (page.length === 0) return entries;
    entries.push(...page);
  }
}
