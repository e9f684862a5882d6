import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  type TableDescription,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { assertOptions, StoreError } from '@motion-ts/core/store';
import { failureOf, storeError } from './failure.js';
import { assertShape, isActive, TTL_ATTRIBUTE, tableDefinition } from './table.js';

/** Options of {@link createTable}. */
export interface CreateTableOptions {
  /** `motion` by default. */
  readonly tableName?: string;
  /** How long to wait until the table can be used, in ms; 120000 by default. */
  readonly timeoutMs?: number;
}

const POLL_MS = 200;

/**
 * Makes the table of a {@link DynamoDBStore}, billed by request, and waits until it can be used. A table that is there
 * already is left as it is, so any number of processes may call this at once, and at every start.
 *
 * @throws StoreError `invalid`: a table of that name is not one of this store, or a permission is missing; `unavailable`:
 * DynamoDB did not answer, or the table was not active in time
 * @example
 * await createTable(new DynamoDBClient({ region: 'eu-central-1' }), { tableName: 'motion' });
 */
export async function createTable(client: DynamoDBClient, options: CreateTableOptions = {}): Promise<void> {
  assertOptions<CreateTableOptions>('createTable()', options, { tableName: true, timeoutMs: true });
  const { tableName = 'motion', timeoutMs = 120_000 } = options;
  const deadline = performance.now() + timeoutMs;
  try {
    let asked = false;
    for (;;) {
      const table = await describe(client, tableName);
      if (table && isActive(table)) {
        assertShape(table);
        break;
      }
      if (!table && !asked) asked = await create(client, tableName);
      if (performance.now() + POLL_MS > deadline)
        throw new StoreError('unavailable', `table ${tableName} was not active within ${timeoutMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    await expire(client, tableName);
  } catch (error) {
    if (StoreError.is(error)) throw error;
    throw storeError(
      failureOf(error, { sent: true, table: tableName, answered: true }),
      `createTable ${tableName}`,
      false,
    );
  }
}

async function describe(client: DynamoDBClient, TableName: string): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName }))).Table;
  } catch (error) {
    if (isNamed(error, 'ResourceNotFoundException')) return undefined;
    throw error;
  }
}

/** @returns whether the table is on its way, by this call or another's; false: too many are made at once, ask again */
async function create(client: DynamoDBClient, tableName: string): Promise<boolean> {
  try {
    await client.send(new CreateTableCommand(tableDefinition(tableName)));
  } catch (error) {
    if (isNamed(error, 'LimitExceededException')) return false;
    if (!isNamed(error, 'ResourceInUseException')) throw error;
  }
  return true;
}

/** Cached values that expired are removed by DynamoDB itself. */
async function expire(client: DynamoDBClient, TableName: string): Promise<void> {
  const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
  const { TimeToLiveStatus: status, AttributeName: attribute } = TimeToLiveDescription ?? {};
  if (status === 'ENABLED' || status === 'ENABLING') {
    if (attribute === TTL_ATTRIBUTE) return;
    throw new StoreError(
      'invalid',
      `table ${TableName} has its time to live on ${attribute}, not on ${TTL_ATTRIBUTE}: give the store a table of its own`,
    );
  }
  try {
    await client.send(
      new UpdateTimeToLiveCommand({
        TableName,
        TimeToLiveSpecification: { AttributeName: TTL_ATTRIBUTE, Enabled: true },
      }),
    );
  } catch (error) {
    // Another process was faster.
    if (!isNamed(error, 'ValidationException') && !isNamed(error, 'ResourceInUseException')) throw error;
  }
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
