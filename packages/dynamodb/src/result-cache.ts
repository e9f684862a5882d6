import {
  BatchWriteItemCommand,
  type BatchWriteItemCommandOutput,
  GetItemCommand,
  type GetItemCommandOutput,
  PutItemCommand,
  QueryCommand,
  type QueryCommandOutput,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import type { Key } from '@motion-ts/core/store';
import { ownBytes } from './reader.js';
import { type Call, outOfTime, type Requests, rest } from './requests.js';
import { type Layout, TTL_ATTRIBUTE } from './table.js';

/** What one batch deletes. */
const PER_BATCH = 25;

/** Cached values: items of their own, that DynamoDB removes some time after they expired. */
export class ResultCache {
  readonly #requests: Requests;
  readonly #layout: Layout;

  constructor(requests: Requests, layout: Layout) {
    this.#requests = requests;
    this.#layout = layout;
  }

  async get(partition: string, key: Key, call: Call): Promise<Uint8Array | undefined> {
    const { Item: item } = await this.#requests.send<GetItemCommandOutput>(
      call,
      () =>
        new GetItemCommand({
          TableName: this.#layout.table,
          Key: { p: { S: this.#layout.cache(partition) }, k: { S: key } },
          ConsistentRead: true,
        }),
    );
    const value = item?.['v']?.B;
    return value && Number(item?.['expires']?.N ?? 0) > Date.now() ? ownBytes(value) : undefined;
  }

  async set(partition: string, key: Key, value: Uint8Array, ttlMs: number, call: Call): Promise<void> {
    const expires = Math.ceil(Date.now() + ttlMs);
    await this.#requests.send(
      call,
      () =>
        new PutItemCommand({
          TableName: this.#layout.table,
          Item: {
            p: { S: this.#layout.cache(partition) },
            k: { S: key },
            v: { B: value },
            expires: { N: String(expires) },
            [TTL_ATTRIBUTE]: { N: String(Math.ceil(expires / 1000)) },
          },
        }),
    );
  }

  async clear(partition: string, call: Call): Promise<void> {
    const p = { S: this.#layout.cache(partition) };
    for (let start: QueryCommandOutput['LastEvaluatedKey']; ; ) {
      const page = await this.#requests.send<QueryCommandOutput>(
        call,
        () =>
          new QueryCommand({
            TableName: this.#layout.table,
            ConsistentRead: true,
            KeyConditionExpression: 'p = :p',
            ExpressionAttributeValues: { ':p': p },
            ProjectionExpression: 'p, k',
            ExclusiveStartKey: start,
          }),
      );
      const items = page.Items ?? [];
      for (let n = 0; n < items.length; n += PER_BATCH)
        await this.#delete(
          items.slice(n, n + PER_BATCH).map((Key) => ({ DeleteRequest: { Key } })),
          call,
        );
      start = page.LastEvaluatedKey;
      if (start === undefined) return;
    }
  }

  async #delete(deletes: WriteRequest[], call: Call): Promise<void> {
    const { table } = this.#layout;
    let left: WriteRequest[] = deletes;
    for (let attempt = 0; left.length > 0; attempt++) {
      if (attempt > 0 && !(await rest(attempt, call.deadline))) throw outOfTime(call);
      const RequestItems = { [table]: left };
      const { UnprocessedItems } = await this.#requests.send<BatchWriteItemCommandOutput>(
        call,
        () => new BatchWriteItemCommand({ RequestItems }),
      );
      left = UnprocessedItems?.[table] ?? [];
    }
  }
}
