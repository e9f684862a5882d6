import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type Commit, StoreError, type StoreErrorCode } from '@motion-ts/core/store';
import { createTable, DynamoDBStore } from '@motion-ts/dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { clientOf, fresh, local } from './local.js';
import { cancelled, type Fate, firstOnes, type Meddler, startMeddler } from './meddler.js';

// What DynamoDB Local never says - throttling, conflicts, answers that are lost - is said here by a server in between.

const url = inject('serverUrl');
const tableName = fresh('answers');
const direct = clientOf(url);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let meddler: Meddler;
let store: DynamoDBStore;
/** Sees what became of it all, past the meddler. */
let witness: DynamoDBStore;
let partition: string;

beforeAll(() => createTable(direct, { tableName }));
beforeEach(async () => {
  meddler = await startMeddler(url);
  store = new DynamoDBStore({ config: local(meddler.url), tableName, timeoutMs: 1000 });
  witness = new DynamoDBStore({ client: direct, tableName });
  partition = fresh('p');
});
afterEach(async () => {
  await Promise.all([store.close(), witness.close(), meddler.close()]);
});
afterAll(() => direct.destroy());

async function codeOf(call: Promise<unknown>): Promise<StoreErrorCode> {
  const error: unknown = await call.then(
    (value) => expect.fail(`resolved to ${JSON.stringify(value)}`),
    (cause: unknown) => cause,
  );
  if (!StoreError.is(error)) throw error;
  expect(error.cause).toBeDefined();
  return error.code;
}

const counted = (operation: string): number => meddler.seen.filter((one) => one === operation).length;

/** Two items: a transaction. One: a plain write. */
const pair = (id: string, rev: string | null = null): Commit => ({
  id,
  checks: [{ key: 'self', rev }],
  puts: [{ key: 'self', value: bytes(id) }],
  appends: [bytes(id)],
});
const single = (id: string, rev: string | null = null): Commit => ({
  id,
  checks: [{ key: 'self', rev }],
  puts: [{ key: 'self', value: bytes(id) }],
});

describe.each([
  ['a transaction', 'TransactWriteItems', pair],
  ['a plain write', 'PutItem', single],
] as const)('%s', (_, operation, commitOf) => {
  test.each(['drop the answer', 'cut the answer', 'keep the answer'] as const)(
    'that was applied, but whose answer is lost (%s), is unknown, and is not sent again',
    async (fate) => {
      meddler.fate = firstOnes(operation, fate);
      const commit = commitOf(fresh('c'));
      expect(await codeOf(store.commit(partition, commit))).toBe('unknown');
      expect(counted(operation)).toBe(1);
      expect((await witness.get(partition, ['self'])).entries[0]?.rev).toBe(commit.id);
      // The identical commit, sent again by whoever wants to know, is judged anew: its own check fails now.
      expect(await store.commit(partition, commit)).toEqual({ ok: false, failed: ['self'] });
      expect((await witness.get(partition, ['self'])).seq).toBe(operation === 'PutItem' ? 0 : 1);
    },
  );

  test("is not sent again by the retries of the caller's client either", async () => {
    const client = clientOf(meddler.url, { maxAttempts: 5 });
    const own = new DynamoDBStore({ client, tableName, timeoutMs: 1000 });
    meddler.fate = firstOnes(operation, 'drop the answer');
    expect(await codeOf(own.commit(partition, commitOf(fresh('c'))))).toBe('unknown');
    expect(counted(operation)).toBe(1);
    await own.close();
    client.destroy();
  });

  test.each<[string, Fate]>([
    ['a request that is lost on its way', 'lose'],
    ['500 InternalServerError', { status: 500, error: 'InternalServerError' }],
    ['503 ServiceUnavailable', { status: 503, error: 'ServiceUnavailable' }],
    ['a gateway that answers without a word', { status: 502 }],
  ])('%s is unknown, and is not sent again', async (_name, fate) => {
    meddler.fate = firstOnes(operation, fate, fate, fate);
    expect(await codeOf(store.commit(partition, commitOf(fresh('c'))))).toBe('unknown');
    expect(counted(operation)).toBe(1);
  });

  test.each<[string, Fate]>([
    ['ProvisionedThroughputExceededException', { status: 400, error: 'ProvisionedThroughputExceededException' }],
    ['ThrottlingException', { status: 400, error: 'ThrottlingException' }],
    ['RequestLimitExceeded', { status: 400, error: 'RequestLimitExceeded' }],
    ['TransactionConflictException', { status: 400, error: 'TransactionConflictException' }],
    ['a transaction cancelled by a conflict', cancelled('None', 'TransactionConflict')],
    ['a transaction cancelled by throttling', cancelled('ProvisionedThroughputExceeded', 'None')],
    ['a transaction cancelled by a throttled index', cancelled('ThrottlingError', 'None')],
  ])('%s: certainly not applied, so it is sent again', async (_name, fate) => {
    meddler.fate = firstOnes(operation, fate, fate, fate);
    const commit = commitOf(fresh('c'));
    expect((await store.commit(partition, commit)).ok).toBe(true);
    expect(counted(operation)).toBe(4);
    expect((await witness.get(partition, ['self'])).entries[0]?.rev).toBe(commit.id);
  });

  test('throttled without an end, it is unavailable within its time, and nothing is applied', async () => {
    meddler.fate = (of) => (of === operation ? { status: 400, error: 'ThrottlingException' } : 'pass');
    const began = performance.now();
    expect(await codeOf(store.commit(partition, commitOf(fresh('c'))))).toBe('unavailable');
    expect(performance.now() - began).toBeLessThan(2500);
    expect((await witness.get(partition, ['self'])).entries[0]).toBeUndefined();
  });

  test('with a size that DynamoDB refuses, it is too_large', async () => {
    const Message = 'Item size has exceeded the maximum allowed size';
    meddler.fate = firstOnes(
      operation,
      operation === 'PutItem'
        ? { status: 400, error: 'ValidationException', body: { message: Message } }
        : {
            status: 400,
            error: 'TransactionCanceledException',
            body: {
              Message: 'cancelled',
              CancellationReasons: [{ Code: 'ValidationError', Message }, { Code: 'None' }],
            },
          },
    );
    expect(await codeOf(store.commit(partition, commitOf(fresh('c'))))).toBe('too_large');
  });

  test.each([
    ['AccessDeniedException', 'invalid'],
    ['UnrecognizedClientException', 'invalid'],
    ['ExpiredTokenException', 'invalid'],
    ['ValidationException', 'invalid'],
    ['ResourceNotFoundException', 'invalid'],
    ['ItemCollectionSizeLimitExceededException', 'full'],
  ] as const)('%s is %s', async (error, code) => {
    meddler.fate = firstOnes(operation, { status: 400, error });
    expect(await codeOf(store.commit(partition, commitOf(fresh('c'))))).toBe(code);
    expect(counted(operation)).toBe(1);
  });
});

describe('a commit that was refused', () => {
  test('names what failed although another of its items was in conflict', async () => {
    meddler.fate = firstOnes('TransactWriteItems', cancelled('ConditionalCheckFailed', 'None', 'TransactionConflict'));
    const result = await store.commit(partition, pair(fresh('c')));
    expect(result).toEqual({ ok: false, failed: ['self'] });
    expect(counted('TransactWriteItems')).toBe(1);
  });

  test('only because others appended meanwhile is sent again with the numbers that the answer brought', async () => {
    await store.commit(partition, pair('first'));
    for (let i = 0; i < 3; i++)
      await witness.commit(partition, { id: fresh('other'), appends: [bytes('x'), bytes('y')] });
    meddler.seen.length = 0;
    expect(await store.commit(partition, pair('second', 'first'))).toEqual({ ok: true, seq: 8 });
    expect(meddler.seen).toEqual(['TransactWriteItems', 'TransactWriteItems']);
  });
});

describe('reads', () => {
  const reads: [string, string, (of: DynamoDBStore) => Promise<unknown>][] = [
    ['a get of the head', 'GetItem', (of) => of.get(partition, ['root'])],
    ['a get of several', 'TransactGetItems', (of) => of.get(partition, ['root', 'a', 'b'])],
    ['a list', 'Query', (of) => of.list(partition, { prefix: '', limit: 5 })],
    ['a scan', 'Query', (of) => of.scan({ prefix: partition })],
    ['a cached value', 'GetItem', (of) => of.cacheGet(partition, 'a')],
  ];

  test.each(reads)('%s is asked again after what passes', async (_name, operation, read) => {
    await store.open();
    const fates: Fate[] = [{ status: 400, error: 'ThrottlingException' }, 'drop the answer', { status: 500 }];
    for (const fate of fates) {
      meddler.fate = firstOnes(operation, fate);
      await read(store);
    }
  });

  test.each(reads)('%s that never gets through is unavailable, and not unknown', async (_name, operation, read) => {
    await store.open();
    meddler.fate = (of) => (of === operation ? 'lose' : 'pass');
    expect(await codeOf(read(store))).toBe('unavailable');
    meddler.fate = (of) => (of === operation ? 'keep the answer' : 'pass');
    expect(await codeOf(read(store))).toBe('unavailable');
  });

  test('a snapshot that a transaction is in the way of is taken again', async () => {
    await store.open();
    meddler.fate = firstOnes('TransactGetItems', cancelled('TransactionConflict', 'None', 'None'));
    expect((await store.get(partition, ['a', 'b'])).seq).toBe(0);
    expect(counted('TransactGetItems')).toBe(2);
  });

  test('what another program wrote into the table is corrupt, not half an entry', async () => {
    const { PutItemCommand } = await import('@aws-sdk/client-dynamodb');
    await direct.send(
      new PutItemCommand({
        TableName: tableName,
        Item: { p: { S: `motion/${partition}` }, k: { S: 'a' }, v: { S: 'x' } },
      }),
    );
    const failing = await store.get(partition, ['a']).catch((error: unknown) => error);
    expect(StoreError.is(failing, 'corrupt')).toBe(true);
    const listing = await store.list(partition, { prefix: '', limit: 5 }).catch((error: unknown) => error);
    expect(StoreError.is(listing, 'corrupt')).toBe(true);
  });
});

describe('the cost of what core does most', () => {
  let client: DynamoDBClient;
  test('is one plain read for a refresh, one plain write for taking or giving back the lease', async () => {
    client = clientOf(meddler.url);
    const own = new DynamoDBStore({ client, tableName });
    await own.commit(partition, { id: 'made', puts: [{ key: 'root', value: bytes('r') }], appends: [bytes('x')] });
    meddler.seen.length = 0;
    await own.get(partition, ['root'], { known: ['made'] });
    await own.commit(partition, {
      id: 'taken',
      checks: [{ key: 'root', rev: 'made' }],
      puts: [{ key: 'root', value: bytes('mine') }],
      due: { in: 1000 },
    });
    // Nothing was appended beyond: the head tells.
    await own.get(
      partition,
      Array.from({ length: 8 }, (_, i) => `q/000000000000000${i + 2}`),
    );
    await own.commit(partition, {
      id: 'released',
      checks: [{ key: 'root', rev: 'taken' }],
      puts: [{ key: 'root', value: bytes('free') }],
      seqIs: 1,
      due: { in: null },
    });
    expect(meddler.seen).toEqual(['GetItem', 'UpdateItem', 'GetItem', 'UpdateItem']);
    await own.close();
    client.destroy();
  });
});
