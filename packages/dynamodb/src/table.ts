import type { CreateTableCommandInput, KeySchemaElement, TableDescription } from '@aws-sdk/client-dynamodb';
import { StoreError, shardOf } from '@motion-ts/core/store';

/** What the items look like. Another layout gets other indexes, so that no version takes a table of another for its own. */
const LAYOUT = 1;
/** The partitions that are due, by when: only what has a `due` is in it. */
export const DUE_INDEX: string = `due-v${LAYOUT}`;
/** The partitions that ever had appends or a due, by name: only their heads have a bucket. */
export const NAMES_INDEX: string = `names-v${LAYOUT}`;
/** When an item may be removed, in seconds: only cached values have it. */
export const TTL_ATTRIBUTE = 'ttl';

/** Both indexes are spread over so many partitions, as one alone takes 1000 writes a second. */
export const BUCKETS = 16;

/**
 * The item that is the head of a partition: `seq` and `due` live in it, beside the entry of this key. Which key that is
 * changes no meaning. It is the one that core asks for with nearly every get and replaces with nearly every commit, so
 * that those take one item instead of two.
 */
export const HEAD_KEY = 'root';

/** Where the items of a namespace are. Namespaces hold no `/` and no `#`, so no two names meet. */
export class Layout {
  readonly table: string;
  readonly namespace: string;

  constructor(table: string, namespace: string) {
    this.table = table;
    this.namespace = namespace;
  }

  /** The partition key of a partition's entries. */
  entries(partition: string): string {
    return `${this.namespace}/${partition}`;
  }

  /** The partition that a partition key of entries stands for. */
  partition(p: string): string {
    return p.slice(this.namespace.length + 1);
  }

  /** The partition key of a partition's cached values: apart, so that neither `list` nor `drop` meets them. */
  cache(partition: string): string {
    return `${this.namespace}#cache/${partition}`;
  }

  /** The key of the indexes that a partition is under. */
  bucketOf(partition: string): string {
    return this.bucket(shardOf(partition, BUCKETS));
  }

  bucket(index: number): string {
    return `${this.namespace}/${index}`;
  }
}

const key = (hash: string, range: string): KeySchemaElement[] => [
  { AttributeName: hash, KeyType: 'HASH' },
  { AttributeName: range, KeyType: 'RANGE' },
];

/**
 * The table that a {@link DynamoDBStore} needs, as the API takes it; `createTable` sends this, and switches on the
 * time to live of the attribute `ttl`.
 *
 * @param tableName its name; `motion` by default
 */
export function tableDefinition(tableName = 'motion'): CreateTableCommandInput {
  return {
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'p', AttributeType: 'S' },
      { AttributeName: 'k', AttributeType: 'S' },
      { AttributeName: 'b', AttributeType: 'S' },
      { AttributeName: 'due', AttributeType: 'N' },
    ],
    KeySchema: key('p', 'k'),
    GlobalSecondaryIndexes: [
      { IndexName: DUE_INDEX, KeySchema: key('b', 'due'), Projection: { ProjectionType: 'KEYS_ONLY' } },
      { IndexName: NAMES_INDEX, KeySchema: key('b', 'p'), Projection: { ProjectionType: 'KEYS_ONLY' } },
    ],
  };
}

/**
 * Refuses a table that is not the store's: of another shape, or of another version's.
 *
 * @throws StoreError `invalid`
 */
export function assertShape(table: TableDescription): void {
  const expected = tableDefinition(table.TableName);
  const wrong = (what: string): StoreError =>
    new StoreError(
      'invalid',
      `table ${table.TableName} is not one of this store: ${what}. Give the store a table of its own, made by createTable or as the README of @motion-ts/dynamodb defines it`,
    );
  const types = new Map(table.AttributeDefinitions?.map((one) => [one.AttributeName, one.AttributeType]));
  if (!sameKey(table.KeySchema, expected.KeySchema))
    throw wrong(`its key is ${show(table.KeySchema)}, not ${show(expected.KeySchema)}`);
  for (const index of expected.GlobalSecondaryIndexes ?? []) {
    const found = table.GlobalSecondaryIndexes?.find((one) => one.IndexName === index.IndexName);
    if (!found) throw wrong(missing(index.IndexName as string, table));
    if (!sameKey(found.KeySchema, index.KeySchema))
      throw wrong(`the key of its index ${index.IndexName} is ${show(found.KeySchema)}, not ${show(index.KeySchema)}`);
  }
  for (const { AttributeName, AttributeType } of expected.AttributeDefinitions ?? [])
    if (types.get(AttributeName) !== AttributeType)
      throw wrong(`its attribute ${AttributeName} is of type ${types.get(AttributeName)}, not ${AttributeType}`);
}

function missing(index: string, table: TableDescription): string {
  const kind = index.slice(0, index.lastIndexOf('-v') + 2);
  const other = table.GlobalSecondaryIndexes?.find((one) => one.IndexName?.startsWith(kind))?.IndexName;
  return other === undefined
    ? `it has no index ${index}`
    : `it was made by another version (its index is ${other}, this version's ${index})`;
}

/** Whether all that the table's indexes hold can be read. */
export function isActive(table: TableDescription): boolean {
  const usable = table.TableStatus === 'ACTIVE' || table.TableStatus === 'UPDATING';
  return usable && (table.GlobalSecondaryIndexes ?? []).every((index) => index.IndexStatus !== 'CREATING');
}

function sameKey(a: readonly KeySchemaElement[] | undefined, b: readonly KeySchemaElement[] | undefined): boolean {
  return show(a) === show(b);
}

function show(schema: readonly KeySchemaElement[] | undefined): string {
  const of = (type: string): string => schema?.find((one) => one.KeyType === type)?.AttributeName ?? 'none';
  return `(${of('HASH')}, ${of('RANGE')})`;
}
