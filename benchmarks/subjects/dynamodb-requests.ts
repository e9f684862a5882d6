import {
  type AttributeValue,
  type ConsumedCapacity,
  DynamoDBClient,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import type { Units } from '../subject.js';

type Item = Record<string, AttributeValue>;

let sent = 0;
const spent = { read: 0, write: 0 };

/** The requests that this process sent so far, whoever sent them. */
export const requests = (): number => sent;

/**
 * The capacity units of these requests, by the rules that AWS publishes. DynamoDB Local tells what reads and indexes take;
 * of writes it counts some in transactions once that count twice, so those are counted here.
 */
export const units = (): Units => ({ ...spent });

/** A client of the server, whose requests are counted. */
export function clientOf(endpoint: string): DynamoDBClient {
  const client = new DynamoDBClient({
    endpoint,
    region: 'local',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    requestHandler: { httpAgent: { maxSockets: 200 } },
  });
  client.middlewareStack.add(
    (next) => async (args) => {
      sent++;
      const input = args.input as Record<string, unknown>;
      if (!('Key' in input || 'Item' in input || 'TransactItems' in input || 'IndexName' in input)) return next(args);
      const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'INDEXES' } });
      count(input, [(result.output as { ConsumedCapacity?: unknown }).ConsumedCapacity ?? []].flat());
      return result;
    },
    { step: 'initialize' },
  );
  return client;
}

function count(input: Record<string, unknown>, consumed: readonly ConsumedCapacity[]): void {
  const items = input['TransactItems'] as readonly (TransactWriteItem & { Get?: object })[] | undefined;
  const writes = items?.[0]?.Get ? [] : (items ?? ('Item' in input || 'UpdateExpression' in input ? [input] : []));
  if (writes.length === 0) {
    for (const { CapacityUnits = 0 } of consumed) spent.read += CapacityUnits;
    return;
  }
  const times = items ? 2 : 1;
  for (const write of writes) spent.write += times * Math.ceil(bytesOf(write) / 1024);
  for (const { GlobalSecondaryIndexes = {} } of consumed)
    for (const { CapacityUnits = 0 } of Object.values(GlobalSecondaryIndexes)) spent.write += CapacityUnits / times;
}

/** About how large the item is that a request writes or looks at. */
function bytesOf(write: object): number {
  let bytes = 0;
  for (const part of Object.values(write)) {
    if (typeof part !== 'object' || part === null) continue;
    for (const { S, B } of Object.values(part as Item)) bytes += (S?.length ?? 0) + (B?.byteLength ?? 0);
    if ('Key' in part || 'Item' in part) bytes += bytesOf(part);
  }
  return Math.max(1, bytes);
}
