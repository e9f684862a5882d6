const MOST = 10_000;

/**
 * The `seq` of partitions as this process saw it last. An append must name the numbers it takes beforehand; an old idea of
 * them costs one more request, and nothing else.
 */
export class Seqs {
  readonly #seqs: Map<string, number> = new Map();

  of(partition: string): number {
    return this.#seqs.get(partition) ?? 0;
  }

  saw(partition: string, seq: number): void {
    // The newest stand last: the first is the one that was not seen for longest.
    this.#seqs.delete(partition);
    this.#seqs.set(partition, seq);
    if (this.#seqs.size > MOST) this.#seqs.delete(this.#seqs.keys().next().value as string);
  }
}
