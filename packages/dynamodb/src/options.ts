import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { assertOptions, type OptionNames, StoreError } from '@motion-ts/core/store';

/** Options of {@link DynamoDBStore}. Give at most one of `client` and `config`. */
export interface DynamoDBStoreOptions {
  /**
   * A client that the caller made and will destroy. Its middleware is used, its retries are not: the store sends a commit
   * again only when it knows that the last sending was not applied.
   */
  readonly client?: DynamoDBClient;
  /** How to make a client, such as `{ region: 'eu-central-1' }`. Without it, region and credentials are the environment's. */
  readonly config?: DynamoDBClientConfig;
  /** The table, see `createTable`; `motion` by default. */
  readonly tableName?: string;
  /** Keeps what shares a table apart: 1 to 64 characters of `[A-Za-z0-9_.-]`; `motion` by default. */
  readonly namespace?: string;
  /** How long a call may take before it rejects, in ms; 5000 by default. */
  readonly timeoutMs?: number;
}

/** Options after the check. */
export interface CheckedOptions {
  readonly client: DynamoDBClient;
  /** Whether the client is ours to destroy. */
  readonly ownClient: boolean;
  readonly tableName: string;
  readonly namespace: string;
  readonly timeoutMs: number;
}

/** Requests of one process at a time: further ones would wait for a connection. */
const MAX_SOCKETS = 200;

const NAMES: OptionNames<DynamoDBStoreOptions> = {
  client: true,
  config: true,
  tableName: true,
  namespace: true,
  timeoutMs: true,
};

/** @throws StoreError `invalid` */
export function checkOptions(options: DynamoDBStoreOptions): CheckedOptions {
  assertOptions('DynamoDBStore', options, NAMES);
  const { client, config, tableName = 'motion', namespace = 'motion', timeoutMs = 5000 } = options;
  if (client !== undefined && config !== undefined)
    throw new StoreError('invalid', 'DynamoDBStore takes either a client or a config: give one of them');
  if (client !== undefined && typeof client?.send !== 'function')
    throw new StoreError('invalid', 'DynamoDBStore: client is no client of @aws-sdk/client-dynamodb');
  if (typeof tableName !== 'string' || tableName === '')
    throw new StoreError('invalid', `DynamoDBStore: tableName ${JSON.stringify(tableName)} is no name of a table`);
  if (typeof namespace !== 'string' || !/^[A-Za-z0-9_.-]{1,64}$/.test(namespace))
    throw new StoreError(
      'invalid',
      `DynamoDBStore: namespace ${JSON.stringify(namespace)} is not 1 to 64 characters of [A-Za-z0-9_.-]`,
    );
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0) || timeoutMs > 2 ** 31 - 1)
    throw new StoreError('invalid', `DynamoDBStore: timeoutMs ${timeoutMs} is no number of milliseconds above 0`);
  return {
    client: client ?? makeClient(config ?? {}),
    ownClient: client === undefined,
    tableName,
    namespace,
    timeoutMs,
  };
}

function makeClient(config: DynamoDBClientConfig): DynamoDBClient {
  const agent = { maxSockets: MAX_SOCKETS };
  try {
    return new DynamoDBClient({ requestHandler: { httpAgent: agent, httpsAgent: agent }, ...config });
  } catch (cause) {
    throw new StoreError('invalid', `DynamoDBStore: the config makes no client: ${(cause as Error)?.message}`, {
      cause,
    });
  }
}
