import { type Limits, shardOf } from '@motion-ts/core/store';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Redis takes more; beyond these, one script would hold up everybody else for too long. */
export const LIMITS: Limits = {
  valueBytes: 512 * KiB,
  commitBytes: 4 * MiB,
  commitOps: 1_000,
  getKeys: 500,
  getBytes: 8 * MiB,
};

/** What is stored is laid out so; another number is refused. */
export const LAYOUT = '1';

/**
 * Partitions are spread over so many buckets, each with one hash tag and so in one slot of a cluster, together with the
 * index of its dues.
 */
export const BUCKETS = 256;

/** The names of the keys of a namespace. */
export class Keys {
  readonly #namespace: string;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** What the tag of every bucket starts with. */
  get head(): string {
    return `{${this.#namespace}.`;
  }

  tag(bucket: number): string {
    return `${this.head}${bucket}}`;
  }

  get layout(): string {
    return `${this.tag(0)}:layout`;
  }

  get channel(): string {
    return `${this.head}changed}`;
  }

  /** A hash: the head at the empty field, small entries, and large ones below a space. */
  entries(partition: string): string {
    return `${this.#tagOf(partition)}:p:${partition}`;
  }

  /** Sorted sets and more, in the order in which the scripts want them. */
  all(partition: string): readonly [entries: string, order: string, dues: string, names: string] {
    const tag = this.#tagOf(partition);
    return [`${tag}:p:${partition}`, `${tag}:k:${partition}`, `${tag}${DUES}`, `${tag}${NAMES}`];
  }

  cache(partition: string): string {
    return `${this.#tagOf(partition)}:c:${partition}`;
  }

  #tagOf(partition: string): string {
    return this.tag(shardOf(partition, BUCKETS));
  }
}

/** What follows the tag of a bucket. */
export const DUES = ':due';
export const NAMES = ':names';

/** The buckets that may hold partitions of a shard. */
export function bucketsOf(shard: readonly [index: number, of: number] | undefined): number[] {
  const all = Array.from({ length: BUCKETS }, (_, bucket) => bucket);
  if (shard === undefined) return all;
  // Partition and bucket are remainders of one hash: they agree on it as far as their divisors have something in common.
  const [index, of] = shard;
  const common = greatestCommonDivisor(of, BUCKETS);
  return all.filter((bucket) => bucket % common === index % common);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** The slot of a hash tag in Redis Cluster: CRC-16 (XMODEM). */
export function slotOf(tag: string): number {
  let crc = 0;
  for (let i = 0; i < tag.length; i++) {
    crc ^= tag.charCodeAt(i) << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  }
  return (crc & 0xffff) % 16_384;
}
