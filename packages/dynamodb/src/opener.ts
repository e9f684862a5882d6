import { DescribeTableCommand, type DescribeTableCommandOutput } from '@aws-sdk/client-dynamodb';
import { StoreError } from '@motion-ts/core/store';
import { type Call, type Requests, rest } from './requests.js';
import { assertShape, isActive } from './table.js';

/** Looks at the table once for all who ask, and again for those who ask after a failure. */
export class Opener {
  readonly #requests: Requests;
  readonly #table: string;
  #opening: Promise<void> | undefined;

  constructor(requests: Requests, table: string) {
    this.#requests = requests;
    this.#table = table;
  }

  /** @throws StoreError `invalid`, `unavailable` */
  open(timeoutMs: number): Promise<void> {
    this.#opening ??= this.#look(timeoutMs).catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #look(timeoutMs: number): Promise<void> {
    const call: Call = { what: `opening table ${this.#table}`, deadline: performance.now() + timeoutMs, writes: false };
    for (let attempt = 0; ; attempt++) {
      const { Table } = await this.#requests.send<DescribeTableCommandOutput>(
        call,
        () => new DescribeTableCommand({ TableName: this.#table }),
      );
      if (Table && isActive(Table)) return assertShape(Table);
      if (!(await rest(attempt + 3, call.deadline)))
        throw new StoreError('unavailable', `table ${this.#table} is ${Table?.TableStatus}: wait until it is active`);
    }
  }
}
