import {
  type AttributeValue,
  GetItemCommand,
  type GetItemCommandOutput,
  QueryCommand,
  type QueryCommandOutput,
  TransactGetItemsCommand,
  type TransactGetItemsCommandOutput,
} from '@aws-sdk/client-dynamodb';
import {
  appendKey,
  type Entry,
  type Got,
  type Key,
  type Revision,
  type Snapshot,
  StoreError,
} from '@motion-ts/core/store';
import { seqIn } from './commits.js';
import { LIMITS } from './limits.js';
import type { Call, Requests } from './requests.js';
import type { Seqs } from './seqs.js';
import { HEAD_KEY, type Layout } from './table.js';

type Item = Record<string, AttributeValue>;

/** Entries of a page of a list: its size is bounded by DynamoDB, at 1 MB. */
const PAGE = 1000;
/** Behind every key: keys end at \x7e. */
const BEHIND = '\x7f';
/** The first character of keys: what follows a key at once has it appended. */
const FIRST = '!';

/** Reads entries: a snapshot of some, or all under a prefix. */
export class Reader {
  readonly #requests: Requests;
  readonly #layout: Layout;
  readonly #seqs: Seqs;

  constructor(requests: Requests, layout: Layout, seqs: Seqs) {
    this.#requests = requests;
    this.#layout = layout;
    this.#seqs = seqs;
  }

  /** One transaction, or one plain read when the head tells all that is asked for: either is a snapshot. */
  async get(
    partition: string,
    keys: readonly Key[],
    known: readonly (Revision | undefined)[] | undefined,
    call: Call,
  ): Promise<Snapshot> {
    const items = await this.#items(partition, new Set(keys), call);
    const entries: (Got | undefined)[] = [];
    let bytes = 0;
    const travelled = new Set<Key>();
    for (const [i, key] of keys.entries()) {
      const entry = entryIn(items.get(key), partition, key);
      const isKnown = entry !== undefined && entry.rev === known?.[i];
      entries.push(isKnown ? { key, rev: entry.rev } : entry);
      if (entry === undefined || isKnown || travelled.has(key)) continue;
      travelled.add(key);
      bytes += entry.value.byteLength;
    }
    if (bytes > LIMITS.getBytes)
      throw new StoreError('too_large', `${call.what}: ${bytes} bytes; this store takes ${LIMITS.getBytes}`);
    const head = items.get(HEAD_KEY);
    const due = head?.['due']?.N;
    return { seq: seqIn(head), dueIn: due === undefined ? null : Number(due) - Date.now(), entries };
  }

  /**
   * The head and the items of some keys. Those of appended values beyond `seq` cannot be there, so they are not looked
   * for: whoever waits for appends asks for many, and each would cost as much as one that is there.
   */
  async #items(partition: string, keys: ReadonlySet<Key>, call: Call): Promise<ReadonlyMap<Key, Item | undefined>> {
    for (;;) {
      const newest = appendKey(this.#seqs.of(partition));
      const asked = [...keys].filter((key) => key !== HEAD_KEY && !(isAppended(key) && key > newest));
      const items = await this.#read(partition, asked, keys.has(HEAD_KEY), call);
      const seq = seqIn(items.get(HEAD_KEY));
      this.#seqs.saw(partition, seq);
      const appended = appendKey(seq);
      if (![...keys].some((key) => isAppended(key) && key > newest && key <= appended)) return items;
    }
  }

  async #read(
    partition: string,
    others: readonly Key[],
    withHeadEntry: boolean,
    call: Call,
  ): Promise<ReadonlyMap<Key, Item | undefined>> {
    const TableName = this.#layout.table;
    const p = { S: this.#layout.entries(partition) };
    // The value that stands in the head travels only if it is asked for.
    const head = {
      TableName,
      Key: { p, k: { S: HEAD_KEY } },
      ...(!withHeadEntry && { ProjectionExpression: 'seq, due' }),
    };
    if (others.length === 0) {
      const { Item: found } = await this.#requests.send<GetItemCommandOutput>(
        call,
        () => new GetItemCommand({ ...head, ConsistentRead: true }),
      );
      return new Map([[HEAD_KEY, found]]);
    }
    const gets = [head, ...others.map((key) => ({ TableName, Key: { p, k: { S: key } } }))];
    const { Responses = [] } = await this.#requests.send<TransactGetItemsCommandOutput>(
      call,
      () => new TransactGetItemsCommand({ TransactItems: gets.map((get) => ({ Get: get })) }),
    );
    return new Map([HEAD_KEY, ...others].map((key, i) => [key, Responses[i]?.Item]));
  }

  async list(
    partition: string,
    { prefix, after, limit }: { readonly prefix: string; readonly after?: Key; readonly limit: number },
    call: Call,
  ): Promise<Entry[]> {
    const to = prefix + BEHIND;
    let from = after !== undefined && after >= prefix ? after + FIRST : prefix || FIRST;
    while (from <= to) {
      const { Items = [], LastEvaluatedKey } = await this.#requests.send<QueryCommandOutput>(
        call,
        () =>
          new QueryCommand({
            TableName: this.#layout.table,
            ConsistentRead: true,
            KeyConditionExpression: 'p = :p AND k BETWEEN :from AND :to',
            ExpressionAttributeValues: {
              ':p': { S: this.#layout.entries(partition) },
              ':from': { S: from },
              ':to': { S: to },
            },
            Limit: Math.min(PAGE, Math.ceil(limit)),
          }),
      );
      const entries = Items.flatMap((item) => entryIn(item, partition, item['k']?.S ?? '') ?? []);
      const last = LastEvaluatedKey?.['k']?.S;
      if (entries.length > 0 || last === undefined) return entries;
      from = last + FIRST;
    }
    return [];
  }
}

/** Whether a key is one of {@link appendKey}: those are ordered as their numbers are. */
function isAppended(key: Key): boolean {
  return /^q\/\d{16}$/.test(key);
}

/** The entry in an item; undefined for a head without one. */
function entryIn(item: Item | undefined, partition: string, key: Key): Entry | undefined {
  const rev = item?.['rev']?.S;
  const value = item?.['v']?.B;
  if (rev !== undefined && value !== undefined) return { key, rev, value: ownBytes(value) };
  if (item === undefined || (key === HEAD_KEY && rev === value)) return undefined;
  throw new StoreError(
    'corrupt',
    `the entry ${key} of ${partition} has no revision or no value; something else wrote to the table`,
  );
}

/** The SDK cuts small values from memory that they share. */
export function ownBytes(value: Uint8Array): Uint8Array {
  return value.byteLength === value.buffer.byteLength ? value : new Uint8Array(value);
}
