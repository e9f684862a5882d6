import type { Commit, CommitResult } from '@motion-ts/core/store';
import { Altered } from './altered.js';
import { copied } from './link.js';

/** Stores that do wrong when their process dies. Apart from that nobody sees it. */

const LATE_MS = 25;
const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class AcknowledgedBeforeDurable extends Altered {
  #last: Promise<unknown> = Promise.resolve();
  readonly #seqs: Map<string, number> = new Map();

  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    const own = copied(commit);
    if (!this.#seqs.has(partition)) {
      const { seq } = await this.good.get(partition, []);
      if (!this.#seqs.has(partition)) this.#seqs.set(partition, seq);
    }
    const seq = (this.#seqs.get(partition) as number) + (own.appends?.length ?? 0);
    this.#seqs.set(partition, seq);
    const late = later(LATE_MS);
    this.#last = this.#last.then(() => late).then(() => super.commit(partition, own));
    return own.appends?.length ? { ok: true, seq } : { ok: true };
  }

  override async close(): Promise<void> {
    await this.#last;
    await super.close();
  }
}

export class TornByDeath extends Altered {
  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    const { appends, due, ...first } = copied(commit);
    if (!appends?.length || !first.puts?.length) return super.commit(partition, commit);
    const result = await super.commit(partition, first);
    if (!result.ok) return result;
    await later(3);
    return super.commit(partition, { id: commit.id, appends, due });
  }
}
