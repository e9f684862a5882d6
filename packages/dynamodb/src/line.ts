/**
 * One at a time for each name, in the order in which they came. DynamoDB lets no two transactions touch an item at once:
 * those of one process would only refuse each other, and each refused one costs as much as one that is applied.
 */
export class Line {
  readonly #tails: Map<string, Promise<unknown>> = new Map();

  async inTurn<T>(name: string, run: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(name);
    const turn = before === undefined ? run() : before.then(run, run);
    this.#tails.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#tails.get(name) === turn) this.#tails.delete(name);
    }
  }
}
