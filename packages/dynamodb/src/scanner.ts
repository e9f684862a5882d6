import { type AttributeValue, QueryCommand, type QueryCommandOutput } from '@aws-sdk/client-dynamodb';
import { type ScanPage, type ScanQuery, StoreError, shardOf } from '@motion-ts/core/store';
import type { Call, Requests } from './requests.js';
import { BUCKETS, DUE_INDEX, HEAD_KEY, type Layout, NAMES_INDEX } from './table.js';

/** Items of one bucket that a page looks at. */
const PER_BUCKET = 100;
const BEHIND = '\x7f';
const FIRST = '!';

/** One partition that an index lists; `due` only in that of dues. */
interface Found {
  readonly name: string;
  readonly due: number;
}

/** What one bucket gave. */
interface Page {
  readonly bucket: number;
  readonly found: readonly Found[];
  /** Whether the bucket may have more. */
  readonly more: boolean;
}

/** Where a scan stands in each bucket it has not finished: behind this one, or, with null, at the start. */
type Cursor = Readonly<Record<string, readonly [due: number, name: string] | null>>;

/** Looks through the indexes, all their buckets at once. */
export class Scanner {
  readonly #requests: Requests;
  readonly #layout: Layout;

  constructor(requests: Requests, layout: Layout) {
    this.#requests = requests;
    this.#layout = layout;
  }

  async scan(query: ScanQuery, cursor: string | undefined, call: Call): Promise<ScanPage> {
    const at = cursor === undefined ? startOf(query) : parse(cursor);
    const ask = 'due' in query ? this.#due(call) : this.#names(query.prefix, call);
    const pages = await Promise.all(
      Object.entries(at).map(([bucket, behind]) => ask(Number(bucket), behind ?? undefined)),
    );
    // Up to where all buckets were seen: beyond, one that has more may hold what comes first.
    const order = 'due' in query ? byDue : byName;
    const bound = pages
      .flatMap(({ more, found }) => (more ? (found.at(-1) ?? []) : []))
      .reduce<Found | undefined>((least, one) => (least && order(least, one) <= 0 ? least : one), undefined);
    const partitions: Found[] = [];
    const next: Record<string, readonly [number, string] | null> = {};
    for (const { bucket, found, more } of pages) {
      const given = bound ? found.filter((one) => order(one, bound) <= 0) : found;
      partitions.push(...given);
      const last = given.at(-1);
      if (more || given.length < found.length) next[bucket] = last ? [last.due, last.name] : (at[bucket] ?? null);
    }
    const shard = 'due' in query ? query.shard : undefined;
    const names = partitions.sort(order).map(({ name }) => name);
    return {
      partitions: shard ? names.filter((name) => shardOf(name, shard[1]) === shard[0]) : names,
      ...(bound && { cursor: JSON.stringify(next) }),
    };
  }

  #due(call: Call) {
    const now = Date.now();
    return async (bucket: number, behind: readonly [due: number, name: string] | undefined): Promise<Page> => {
      const b = { S: this.#layout.bucket(bucket) };
      const start = behind && {
        b,
        due: { N: String(behind[0]) },
        p: { S: this.#layout.entries(behind[1]) },
        k: { S: HEAD_KEY },
      };
      const until = Math.max(now, behind?.[0] ?? now);
      return this.#page(
        call,
        bucket,
        DUE_INDEX,
        'b = :b AND due <= :until',
        { ':b': b, ':until': { N: String(until) } },
        start,
      );
    };
  }

  #names(prefix: string, call: Call) {
    return async (bucket: number, behind: readonly [due: number, name: string] | undefined): Promise<Page> => {
      const from = behind ? behind[1] + FIRST : prefix || FIRST;
      return this.#page(call, bucket, NAMES_INDEX, 'b = :b AND p BETWEEN :from AND :to', {
        ':b': { S: this.#layout.bucket(bucket) },
        ':from': { S: this.#layout.entries(from) },
        ':to': { S: this.#layout.entries(prefix + BEHIND) },
      });
    };
  }

  async #page(
    call: Call,
    bucket: number,
    IndexName: string,
    KeyConditionExpression: string,
    ExpressionAttributeValues: Record<string, AttributeValue>,
    ExclusiveStartKey?: Record<string, AttributeValue>,
  ): Promise<Page> {
    const { Items = [], LastEvaluatedKey } = await this.#requests.send<QueryCommandOutput>(
      call,
      () =>
        new QueryCommand({
          TableName: this.#layout.table,
          IndexName,
          KeyConditionExpression,
          ExpressionAttributeValues,
          ExclusiveStartKey,
          Limit: PER_BUCKET,
        }),
    );
    const found = Items.map(({ p, due }) => ({
      name: this.#layout.partition(p?.S ?? ''),
      due: Number(due?.N ?? 0),
    }));
    return { bucket, found, more: LastEvaluatedKey !== undefined && found.length > 0 };
  }
}

function byDue(a: Found, b: Found): number {
  return a.due - b.due || byName(a, b);
}

/** Names are ASCII, so comparing UTF-16 units compares bytes. */
function byName(a: Found, b: Found): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** The buckets that a query needs: a shard's are but some, since both are remainders of one hash. */
function startOf(query: ScanQuery): Cursor {
  const [index, of] = ('due' in query && query.shard) || [0, 1];
  const common = gcd(of, BUCKETS);
  const cursor: Record<string, null> = {};
  for (let bucket = 0; bucket < BUCKETS; bucket++) if (bucket % common === index % common) cursor[bucket] = null;
  return cursor;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

function parse(cursor: string): Cursor {
  try {
    const at: unknown = JSON.parse(cursor);
    if (typeof at === 'object' && at !== null && Object.keys(at).every((bucket) => Number(bucket) < BUCKETS))
      return at as Cursor;
  } catch {}
  throw new StoreError(
    'invalid',
    `${JSON.stringify(cursor)} is no cursor of this store: give the one of the last page`,
  );
}
