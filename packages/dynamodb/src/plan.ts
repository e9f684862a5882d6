import type { AttributeValue, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { appendKey, type Commit, type Key, type Revision } from '@motion-ts/core/store';
import { HEAD_KEY, type Layout } from './table.js';

type Item = Record<string, AttributeValue>;

/** A commit as the writes of a transaction, one for each item. */
export interface Plan {
  readonly items: readonly TransactWriteItem[];
  /** What each of them stands for, as `failed` names it. */
  readonly keys: readonly Key[];
  /** The `seq` after it. */
  readonly seq: number;
}

/** What a commit wants of one entry. */
interface Wish {
  readonly revisions: (Revision | null)[];
  put?: AttributeValue;
  deleted?: true;
}

/**
 * Turns a commit into writes.
 *
 * @param seq the partition's, as far as is known: appends are stored under the numbers behind it, and its being right
 * is a condition of the transaction
 * @param now by the clock of this machine: DynamoDB has none to ask
 */
export function planOf(layout: Layout, partition: string, commit: Commit, seq: number, now: number): Plan {
  const { appends = [], due, seqIs, drop } = commit;
  const wishes = wishesOf(commit);
  for (const [i, value] of appends.entries()) wishOf(wishes, appendKey(seq + 1 + i)).put = { B: value };
  const touchesHead = appends.length > 0 || due !== undefined || seqIs !== undefined || drop === true;
  if (touchesHead) wishOf(wishes, HEAD_KEY);
  const items: TransactWriteItem[] = [];
  for (const [key, wish] of wishes)
    items.push(
      key === HEAD_KEY
        ? headWrite(layout, partition, commit, wish, seq, now)
        : entryWrite(layout, partition, commit, key, wish),
    );
  return { items, keys: [...wishes.keys()], seq: seq + appends.length };
}

function wishesOf({ checks = [], puts = [], deletes = [] }: Commit): Map<Key, Wish> {
  const wishes = new Map<Key, Wish>();
  for (const { key, rev } of checks) wishOf(wishes, key).revisions.push(rev);
  for (const { key, value } of puts) wishOf(wishes, key).put = { B: value };
  for (const key of deletes) wishOf(wishes, key).deleted = true;
  return wishes;
}

function wishOf(wishes: Map<Key, Wish>, key: Key): Wish {
  let wish = wishes.get(key);
  if (!wish) {
    wish = { revisions: [] };
    wishes.set(key, wish);
  }
  return wish;
}

/** A commit whose bytes are nobody else's. `slice()` would not copy a Buffer. */
export function copyOf(commit: Commit): Commit {
  const { puts, appends } = commit;
  return {
    ...commit,
    puts: puts?.map(({ key, value }) => ({ key, value: new Uint8Array(value) })),
    appends: appends?.map((value) => new Uint8Array(value)),
  };
}

/** A condition or an update, as it is put together. */
class Expression {
  readonly conditions: string[] = [];
  readonly values: Item = {};

  value(value: AttributeValue): string {
    const name = `:${Object.keys(this.values).length}`;
    this.values[name] = value;
    return name;
  }

  revisionIs(rev: Revision | null): void {
    this.conditions.push(rev === null ? 'attribute_not_exists(rev)' : `rev = ${this.value({ S: rev })}`);
  }

  /** @param seq an absent one is 0 */
  seqIs(seq: number): void {
    const is = `seq = ${this.value({ N: String(seq) })}`;
    this.conditions.push(seq === 0 ? `(attribute_not_exists(seq) OR ${is})` : is);
  }

  get parts(): { ConditionExpression?: string; ExpressionAttributeValues?: Item } {
    const { conditions, values } = this;
    return {
      ...(conditions.length > 0 && { ConditionExpression: conditions.join(' AND ') }),
      ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
    };
  }
}

function entryWrite(layout: Layout, partition: string, { id }: Commit, key: Key, wish: Wish): TransactWriteItem {
  const itemKey = { p: { S: layout.entries(partition) }, k: { S: key } };
  const expression = new Expression();
  for (const rev of wish.revisions) expression.revisionIs(rev);
  const common = { TableName: layout.table, ...expression.parts };
  // An append of the very key that is deleted as well: the delete comes last.
  if (wish.deleted) return { Delete: { ...common, Key: itemKey } };
  if (wish.put) return { Put: { ...common, Item: { ...itemKey, rev: { S: id }, v: wish.put } } };
  return { ConditionCheck: { ...common, Key: itemKey, ConditionExpression: expression.conditions.join(' AND ') } };
}

function headWrite(
  layout: Layout,
  partition: string,
  commit: Commit,
  wish: Wish,
  seq: number,
  now: number,
): TransactWriteItem {
  const { id, appends = [], due, seqIs, drop } = commit;
  const expression = new Expression();
  for (const rev of wish.revisions) expression.revisionIs(rev);
  if (seqIs !== undefined) expression.seqIs(seqIs);
  else if (appends.length > 0) expression.seqIs(seq);
  const common = {
    TableName: layout.table,
    Key: { p: { S: layout.entries(partition) }, k: { S: HEAD_KEY } },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  };
  if (drop) {
    // What is not deleted by name must not be there.
    if (!wish.deleted) expression.revisionIs(null);
    return { Delete: { ...common, ...expression.parts } };
  }
  const set: string[] = [];
  const remove: string[] = [];
  if (wish.put) set.push(`rev = ${expression.value({ S: id })}`, `v = ${expression.value(wish.put)}`);
  else if (wish.deleted) remove.push('rev', 'v');
  if (appends.length > 0) set.push(`seq = ${expression.value({ N: String(seq + appends.length) })}`);
  if (due !== undefined) {
    if (!('in' in due)) set.push(`due = if_not_exists(due, ${expression.value(at(now + due.ifNullIn))})`);
    else if (due.in === null) remove.push('due');
    else set.push(`due = ${expression.value(at(now + due.in))}`);
  }
  if (appends.length > 0 || due !== undefined) set.push(`b = ${expression.value({ S: layout.bucketOf(partition) })}`);
  if (set.length === 0 && remove.length === 0)
    return {
      ConditionCheck: { ...common, ...expression.parts, ConditionExpression: expression.conditions.join(' AND ') },
    };
  const update = [set.length > 0 && `SET ${set.join(', ')}`, remove.length > 0 && `REMOVE ${remove.join(', ')}`];
  return { Update: { ...common, ...expression.parts, UpdateExpression: update.filter(Boolean).join(' ') } };
}

/** Farther than any clock, and not farther than a number of DynamoDB. */
const FAR = 1e15;

function at(ms: number): AttributeValue {
  return { N: String(Math.round(Math.max(-FAR, Math.min(FAR, ms)))) };
}
