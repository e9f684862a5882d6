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
export function rejects(
  call: Promise<unknown>,
  code: MotionErrorCode | StoreErrorCode,
  message?: RegExp,
): Promise<MotionError> {
  return awaitedLater(
    errorOf(call).then((error) => {
      if (!MotionError.is(error) && !StoreError.is(error))
        assert.fail(`rejected with no error of ours: ${String(error)}`);
      assert.equal(error.code, code, `rejected with ${error.code}: ${error.message}`);
      if (message) assert.match(error.message, message);
      return error as MotionError;
    }),
  );
}

/** Asserts that a call rejects with `UPDATE_FAILED`, for an error with such a message. */
export function failsBy(call: Promise<unknown>, cause: RegExp): Promise<void> {
  return awaitedLater(
    rejects(call, 'UPDATE_FAILED').then((error) => {
      assert.match(String((error.cause as Error | undefined)?.message), cause);
    }),
  );
}

/** A promise that a case awaits after others: should one of those fail first, this one is not reported beside it. */
function awaitedLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
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
