import { readFileSync } from 'node:fs';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { StoreError, type StoreErrorCode } from '@motion-ts/core/store';
import { createTable, DynamoDBStore, type DynamoDBStoreOptions, tableDefinition } from '@motion-ts/dynamodb';
import { openInProcess } from '@motion-ts/test-harness';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { clientOf, fresh, local } from './local.js';
import { startMeddler } from './meddler.js';

const url = inject('serverUrl');
const client = clientOf(url);
afterAll(() => client.destroy());

async function rejects(call: Promise<unknown>, code: StoreErrorCode, message: RegExp): Promise<void> {
  const error: unknown = await call.then(
    () => expect.fail('it resolved'),
    (cause: unknown) => cause,
  );
  if (!StoreError.is(error)) throw error;
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
}

/** A table like the store's, but for what is changed. */
async function makeTable(change: (table: CreateTableCommandInput) => void): Promise<string> {
  const tableName = fresh('table');
  const table = tableDefinition(tableName);
  change(table);
  await client.send(new CreateTableCommand(table));
  return tableName;
}

const storeOf = (options: DynamoDBStoreOptions): DynamoDBStore => new DynamoDBStore({ config: local(url), ...options });

describe('options', () => {
  test.each<[string, DynamoDBStoreOptions, RegExp]>([
    ['a client and a config', { client, config: {} }, /either a client or a config/],
    ['something else for a client', { client: {} as never }, /no client/],
    ['no name of a table', { tableName: '' }, /tableName/],
    ['a slash in the namespace', { namespace: 'a/b' }, /namespace/],
    ['an empty namespace', { namespace: '' }, /namespace/],
    ['no time', { timeoutMs: 0 }, /timeoutMs/],
    ['a misspelt one', { timeOutMs: 10 } as never, /unknown option 'timeOutMs' of DynamoDBStore; there are client, /],
    ['a time that is no number', { timeoutMs: Number.NaN }, /timeoutMs/],
  ])('%s: refused', (_, options, message) => {
    expect(() => new DynamoDBStore(options)).toThrow(message);
  });

  test('the constructor opens nothing', async () => {
    const meddler = await startMeddler(url);
    const store = new DynamoDBStore({ config: local(meddler.url), tableName: 'none' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(meddler.seen).toEqual([]);
    await store.close();
    await meddler.close();
  });
});

describe('a store refuses, at its first call', () => {
  test('a table that is not there, and works once it is made', async () => {
    const tableName = fresh('table');
    const store = storeOf({ tableName });
    await rejects(store.get('p', ['a']), 'invalid', new RegExp(`no table ${tableName}: make it by createTable`));
    await rejects(store.commit('p', { id: 'c', puts: [], due: { in: 0 } }), 'invalid', /no table/);
    await createTable(client, { tableName });
    expect((await store.get('p', ['a'])).seq).toBe(0);
    await store.close();
  });

  test('a table with another key', async () => {
    const tableName = await makeTable((table) => {
      table.KeySchema = [{ AttributeName: 'p', KeyType: 'HASH' }];
      table.AttributeDefinitions = table.AttributeDefinitions?.filter((one) => one.AttributeName !== 'k');
    });
    const store = storeOf({ tableName });
    await rejects(store.open(), 'invalid', /its key is \(p, none\), not \(p, k\)/);
    await store.close();
    await rejects(createTable(client, { tableName }), 'invalid', /its key is/);
  });

  test('a table without the indexes, with another key in one, or of other types', async () => {
    const bare = await makeTable((table) => {
      table.GlobalSecondaryIndexes = undefined;
      table.AttributeDefinitions = table.AttributeDefinitions?.slice(0, 2);
    });
    const swapped = await makeTable((table) => {
      const [due, names] = table.GlobalSecondaryIndexes ?? [];
      if (due && names) [due.KeySchema, names.KeySchema] = [names.KeySchema, due.KeySchema];
    });
    const typed = await makeTable((table) => {
      const due = table.AttributeDefinitions?.find((one) => one.AttributeName === 'due');
      if (due) due.AttributeType = 'S';
    });
    for (const [tableName, message] of [
      [bare, /no index due-v1/],
      [swapped, /index due-v1 is \(b, p\), not \(b, due\)/],
      [typed, /attribute due is of type S, not N/],
    ] as const) {
      const store = storeOf({ tableName });
      await rejects(store.get('p', []), 'invalid', message);
      await store.close();
      await rejects(createTable(client, { tableName }), 'invalid', message);
    }
  });

  test("a table of another version's", async () => {
    const tableName = await makeTable((table) => {
      for (const index of table.GlobalSecondaryIndexes ?? []) index.IndexName = index.IndexName?.replace('v1', 'v2');
    });
    const store = storeOf({ tableName });
    await rejects(store.get('p', []), 'invalid', /another version \(its index is due-v2, this version's due-v1\)/);
    await store.close();
    await rejects(createTable(client, { tableName }), 'invalid', /another version/);
  });

  test('to go on without credentials or a region, and says so', async () => {
    const failing = async (): Promise<never> => {
      throw Object.assign(new Error('Could not load credentials from any providers'), {
        name: 'CredentialsProviderError',
      });
    };
    const without = new DynamoDBStore({ config: { endpoint: url, region: 'local', credentials: failing } });
    await rejects(without.get('p', []), 'invalid', /no AWS credentials/);
    await rejects(without.commit('p', { id: 'c', due: { in: 0 } }), 'invalid', /no AWS credentials/);
    await without.close();
    const region = async (): Promise<never> => {
      throw new Error('Region is missing');
    };
    const nowhere = new DynamoDBStore({ config: { ...local(url), region } });
    await rejects(nowhere.get('p', []), 'invalid', /Region is missing/);
    await nowhere.close();
  });

  test('credentials that never come do not keep a call', async () => {
    const credentials = (): Promise<never> => new Promise(() => {});
    const store = new DynamoDBStore({ config: { endpoint: url, region: 'local', credentials }, timeoutMs: 300 });
    await rejects(store.get('p', []), 'unavailable', /no request could be sent in time/);
    await store.close();
  });

  test('an address where nobody listens is unavailable', async () => {
    const store = new DynamoDBStore({ config: local('http://127.0.0.1:9') });
    await rejects(store.commit('p', { id: 'c', due: { in: 0 } }), 'unavailable', /cannot be reached/);
    await store.close();
  });
});

describe('createTable', () => {
  test('from many clients and processes at once makes one table, with a time to live', {
    timeout: 60_000,
  }, async () => {
    const tableName = fresh('table');
    const clients = Array.from({ length: 10 }, () => clientOf(url));
    await Promise.all(clients.map((one) => createTable(one, { tableName })));
    for (const one of clients) one.destroy();
    const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName: tableName }));
    expect(TimeToLiveDescription).toMatchObject({ AttributeName: 'ttl', TimeToLiveStatus: 'ENABLED' });
    await createTable(client, { tableName });
    const other = await openInProcess({ module: new URL('./open.mjs', import.meta.url), argument: { url, tableName } });
    expect((await other.commit('p', { id: 'c', due: { in: 0 } })).ok).toBe(true);
    await other.close();
  });

  test('refuses a time to live on another attribute', async () => {
    const tableName = await makeTable(() => {});
    await client.send(
      new UpdateTimeToLiveCommand({
        TableName: tableName,
        TimeToLiveSpecification: { AttributeName: 'other', Enabled: true },
      }),
    );
    await rejects(createTable(client, { tableName }), 'invalid', /time to live on other/);
  });

  test('says what it lacks: a permission, time, a server', async () => {
    const meddler = await startMeddler(url);
    const through = clientOf(meddler.url, { maxAttempts: 1 });
    meddler.fate = (operation) =>
      operation === 'CreateTable' ? { status: 400, error: 'AccessDeniedException' } : 'pass';
    await rejects(createTable(through, { tableName: fresh('table') }), 'invalid', /lacks a permission/);
    meddler.fate = (operation) =>
      operation === 'DescribeTable'
        ? { status: 200, body: { Table: { TableName: 'slow', TableStatus: 'CREATING' } } }
        : 'pass';
    await rejects(
      createTable(through, { tableName: 'slow', timeoutMs: 500 }),
      'unavailable',
      /not active within 500 ms/,
    );
    through.destroy();
    await meddler.close();
    const nowhere = clientOf(meddler.url, { maxAttempts: 1 });
    await rejects(createTable(nowhere, { tableName: fresh('table') }), 'unavailable', /cannot be reached/);
    nowhere.destroy();
  });

  test('waits for a table that another makes, as a store does', async () => {
    const tableName = fresh('table');
    await createTable(client, { tableName });
    const meddler = await startMeddler(url);
    let asked = 0;
    meddler.fate = (operation) =>
      operation === 'DescribeTable' && asked++ < 2
        ? { status: 200, body: { Table: { TableName: tableName, TableStatus: 'CREATING' } } }
        : 'pass';
    const store = new DynamoDBStore({ config: local(meddler.url), tableName });
    await store.open();
    expect(asked).toBe(3);
    await store.close();
    await meddler.close();
  });
});

describe('the README defines the very table that createTable makes', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const block = (language: string, holding: string): string => {
    const blocks = [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
      ([, text]) => text,
    );
    return blocks.find((text) => text?.includes(holding)) ?? expect.fail(`no ${language} block holds ${holding}`);
  };

  /** What a table is, whoever describes it. */
  const essence = (table: Partial<CreateTableCommandInput>) => ({
    BillingMode: table.BillingMode,
    attributes: [...(table.AttributeDefinitions ?? [])]
      .map((one) => `${one.AttributeName} ${one.AttributeType}`)
      .sort(),
    key: table.KeySchema?.map((one) => `${one.AttributeName} ${one.KeyType}`),
    indexes: (table.GlobalSecondaryIndexes ?? [])
      .map((index) =>
        [
          index.IndexName,
          ...(index.KeySchema ?? []).map((one) => `${one.AttributeName} ${one.KeyType}`),
          index.Projection?.ProjectionType,
        ].join(' '),
      )
      .sort(),
  });

  async function made(): Promise<unknown> {
    const tableName = fresh('table');
    await createTable(client, { tableName });
    const { Table } = await client.send(new DescribeTableCommand({ TableName: tableName }));
    const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName: tableName }));
    await client.send(new DeleteTableCommand({ TableName: tableName }));
    return {
      ...essence({ ...(Table as object), BillingMode: Table?.BillingModeSummary?.BillingMode }),
      ttl: TimeToLiveDescription?.AttributeName,
    };
  }

  test('for CloudFormation', async () => {
    const template = JSON.parse(block('json', 'AWS::DynamoDB::Table')) as {
      Resources: Record<
        string,
        {
          Properties: CreateTableCommandInput & {
            TimeToLiveSpecification: { AttributeName: string; Enabled: boolean };
          };
        }
      >;
    };
    const [{ Properties }] = Object.values(template.Resources) as [(typeof template.Resources)[string]];
    expect(Properties.TimeToLiveSpecification.Enabled).toBe(true);
    expect({ ...essence(Properties), ttl: Properties.TimeToLiveSpecification.AttributeName }).toEqual(await made());
    await client.send(new CreateTableCommand({ ...tableDefinition(fresh('table')), ...pick(Properties) }));
  });

  test('for Terraform', async () => {
    const text = block('hcl', 'aws_dynamodb_table');
    const value = (of: string, name: string): string =>
      new RegExp(`\\b${name}\\s*=\\s*"?([\\w-]+)"?`).exec(of)?.[1] ?? '';
    const nested = (kind: string): string[] =>
      [...text.matchAll(new RegExp(`\\n  ${kind} \\{\\n([\\s\\S]*?)\\n  \\}`, 'g'))].map(
        ([, inner]) => inner as string,
      );
    const top = text.replaceAll(/\n {2}\w+ \{\n[\s\S]*?\n {2}\}/g, '');
    const key = (of: string) => [
      { AttributeName: value(of, 'hash_key'), KeyType: 'HASH' as const },
      { AttributeName: value(of, 'range_key'), KeyType: 'RANGE' as const },
    ];
    const [ttl] = nested('ttl') as [string];
    expect(value(ttl, 'enabled')).toBe('true');
    const table = {
      BillingMode: value(top, 'billing_mode') as 'PAY_PER_REQUEST',
      AttributeDefinitions: nested('attribute').map((one) => ({
        AttributeName: value(one, 'name'),
        AttributeType: value(one, 'type') as 'S',
      })),
      KeySchema: key(top),
      GlobalSecondaryIndexes: nested('global_secondary_index').map((one) => ({
        IndexName: value(one, 'name'),
        KeySchema: key(one),
        Projection: { ProjectionType: value(one, 'projection_type') as 'KEYS_ONLY' },
      })),
    };
    expect({ ...essence(table), ttl: value(ttl, 'attribute_name') }).toEqual(await made());
  });
});

/** What CloudFormation and CreateTable have in common. */
function pick({
  AttributeDefinitions,
  KeySchema,
  GlobalSecondaryIndexes,
  BillingMode,
}: CreateTableCommandInput): Partial<CreateTableCommandInput> {
  return { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes, BillingMode };
}
