import { dueCursor, parseDueCursor, type ScanPage, type ScanQuery, shardOf } from '@motion-ts/core/store';
import type { Cluster, Redis } from 'ioredis';
import { aloneRequest, type Calls, type Request } from './calls.js';
import type { Client } from './client.js';
import { bucketsOf, DUES, type Keys, NAMES, slotOf } from './layout.js';
import { scripts } from './scripts/script.js';
import { wordsOf } from './words.js';

/** Names that one page takes of one bucket. */
const PER_BUCKET = 16;

interface Found {
  readonly name: string;
  readonly score: number;
}

/** Looks through the indexes of all buckets, in one request to each server. */
export class Scanner {
  readonly #client: Client;
  readonly #calls: Calls;
  readonly #keys: Keys;

  constructor(client: Client, calls: Calls, keys: Keys) {
    this.#client = client;
    this.#calls = calls;
    this.#keys = keys;
  }

  /** Pages in order of due, or of names, over all buckets. */
  async scan(query: ScanQuery, cursor: string | undefined): Promise<ScanPage> {
    const [from, after] = cursor === undefined ? ['-inf', ''] : textOf(parseDueCursor(cursor));
    const isDue = 'due' in query;
    const shard = isDue ? query.shard : undefined;
    const lists = isDue
      ? await this.#look(query, DUES, bucketsOf(shard), [from, after, '', 'now'])
      : await this.#look(query, NAMES, bucketsOf(undefined), ['', '', ...namesBehind(query.prefix, after)]);
    const { found, isLast } = merge(lists);
    const last = found.at(-1);
    const partitions = found.map(({ name }) => name).filter((name) => !shard || shardOf(name, shard[1]) === shard[0]);
    return isLast || last === undefined ? { partitions } : { partitions, cursor: dueCursor(last.score, last.name) };
  }

  async #look(query: ScanQuery, index: string, buckets: readonly number[], range: string[]): Promise<Found[][]> {
    const request = (some: readonly number[], keys: readonly string[], node?: Redis): Request<Found[][]> =>
      aloneRequest({
        script: scripts.scan,
        keys: () => keys,
        words: wordsOf(
          this.#keys.head,
          `}${index}`,
          ...range,
          PER_BUCKET,
          this.#client.isCluster ? 1 : 16,
          some.length,
          ...some,
        ),
        node,
        read: listsOf,
        what: () => `scan of ${JSON.stringify(query)}`,
      });
    if (!this.#client.isCluster) return this.#calls.run(request(buckets, []));
    const answers = await Promise.all(
      [...this.#byNode(buckets)].map(async ([node, some]) => {
        if (node !== undefined)
          try {
            return await this.#calls.run(request(some, [], node));
          } catch {
            // A slot moves, or a server went: each bucket finds its way by its key.
          }
        const each = some.map((one) => this.#calls.run(request([one], [this.#keys.tag(one) + index])));
        return (await Promise.all(each)).flat();
      }),
    );
    return answers.flat();
  }

  /** Which server holds which buckets, as far as the client knows. */
  #byNode(buckets: readonly number[]): Map<Redis | undefined, number[]> {
    const cluster = this.#client as Cluster;
    const nodes = new Map<string, Redis>(
      cluster.nodes('master').map((node) => [`${node.options.host}:${node.options.port}`, node] as const),
    );
    const some = new Map<Redis | undefined, number[]>();
    for (const bucket of buckets) {
      const node = nodes.get(cluster.slots[slotOf(this.#keys.tag(bucket).slice(1, -1))]?.[0] ?? '');
      const known = some.get(node);
      if (known) known.push(bucket);
      else some.set(node, [bucket]);
    }
    return some;
  }
}

function textOf([due, name]: [number, string]): [string, string] {
  return [String(due), name];
}

/** The range of names with a prefix, as ZRANGEBYLEX takes it. Names end at \x7e. */
function namesBehind(prefix: string, after: string): [low: string, high: string] {
  const high = prefix === '' ? '+' : `(${prefix}\x7f`;
  if (after !== '') return [`(${after}`, high];
  return [prefix === '' ? '-' : `[${prefix}`, high];
}

function listsOf(answer: unknown): Found[][] {
  return (answer as Buffer[][]).map((list) => {
    const found: Found[] = [];
    for (let i = 0; i < list.length; i += 2)
      found.push({ name: String(list[i]), score: Number((list[i + 1] as Buffer).toString('latin1')) });
    return found;
  });
}

/** One ordered page of ordered lists; it ends where the first list that has more in its bucket ends. */
function merge(lists: readonly Found[][]): { found: Found[]; isLast: boolean } {
  const all = lists.flat().sort(inOrder);
  const ends = lists.filter((list) => list.length >= PER_BUCKET).map((list) => list.at(-1) as Found);
  const [end] = ends.sort(inOrder);
  if (end === undefined) return { found: all, isLast: true };
  return { found: all.filter((one) => inOrder(one, end) <= 0), isLast: false };
}

function inOrder(a: Found, b: Found): number {
  return a.score - b.score || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
