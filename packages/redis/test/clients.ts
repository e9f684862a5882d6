import { randomBytes } from 'node:crypto';
import { type Commit, type CommitResult, type Store, StoreError } from '@motion-ts/core/store';
import { RedisStore, type RedisStoreOptions } from '@motion-ts/redis';
import { afterEach, expect } from 'vitest';

const opened: RedisStore[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
});

/** A store that is closed after the test. Without a namespace it has one of its own. */
export function open(options: RedisStoreOptions): RedisStore {
  const store = new RedisStore({ namespace: fresh('test'), onWarning: () => {}, ...options });
  opened.push(store);
  return store;
}

let counter = 0;
const session = randomBytes(6).toString('hex');

/** A name never given before. */
export function fresh(what: string): string {
  return `${what}-${session}-${counter++}`;
}

/** What a call rejects with. */
export async function failureOf(call: Promise<unknown>): Promise<StoreError> {
  const error = await call.then(
    () => expect.fail('it resolved'),
    (reason: unknown) => reason,
  );
  if (!StoreError.is(error)) throw error;
  return error;
}

/** Sends one commit until it is known what became of it. It must check and put `key`. */
export async function insist(store: Store, partition: string, commit: Commit, key: string): Promise<CommitResult> {
  for (;;) {
    try {
      const result = await store.commit(partition, commit);
      if (result.ok) return result;
      const { seq, entries } = await store.get(partition, [key]);
      return entries[0]?.rev === commit.id ? { ok: true, seq } : result;
    } catch (error) {
      if (!StoreError.is(error, 'unknown') && !StoreError.is(error, 'unavailable')) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A writer that appends one value after the other, each once, and tells how many were acknowledged. */
export async function appendUntil(store: Store, partition: string, stopped: () => boolean): Promise<number> {
  let rev: string | null = null;
  let n = 0;
  while (!stopped()) {
    const id = fresh('c');
    const value = Buffer.from(String(++n));
    const commit: Commit = {
      id,
      checks: [{ key: 'w', rev }],
      puts: [{ key: 'w', value }],
      appends: [value],
      due: { ifNullIn: 0 },
    };
    const result = await insist(store, partition, commit, 'w');
    if (!result.ok) throw new Error(`refused: ${JSON.stringify(result)}`);
    rev = id;
  }
  return n;
}
