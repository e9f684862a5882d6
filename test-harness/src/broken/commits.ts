import { appendKey, type Commit, type Store, StoreError } from '@motion-ts/core/store';
import { Altered } from './altered.js';
import { copied } from './link.js';

/** Stores that commit wrongly. */

export class ChecksIgnored extends Altered {
  override commit(partition: string, { checks, ...rest }: Commit): ReturnType<Store['commit']> {
    return this.good.commit(partition, rest);
  }
}

export class SeqIsIgnored extends Altered {
  override commit(partition: string, { seqIs, ...rest }: Commit): ReturnType<Store['commit']> {
    return this.good.commit(partition, rest);
  }
}

export class SeqWithGaps extends Altered {
  override async commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    const result = await super.commit(partition, commit);
    if (!result.ok || result.seq === undefined) return result;
    const skipped = await super.commit(partition, { id: `${commit.id}g`.slice(-40), appends: [new Uint8Array(0)] });
    return skipped.ok && skipped.seq !== undefined ? { ok: true, seq: skipped.seq } : result;
  }
}

export class BytesNotCopiedIn extends Altered {
  override async commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    await new Promise((resolve) => setImmediate(resolve));
    return super.commit(partition, commit);
  }
}

export class DueLost extends Altered {
  override commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    const { due, ...rest } = commit;
    return super.commit(partition, due !== undefined && commit.appends?.length ? rest : commit);
  }
}

export class DueAlwaysSet extends Altered {
  override commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    const { due } = commit;
    return super.commit(
      partition,
      due !== undefined && 'ifNullIn' in due ? { ...commit, due: { in: due.ifNullIn } } : commit,
    );
  }
}

export class ResendApplied extends Altered {
  override async commit(partition: string, given: Commit): ReturnType<Store['commit']> {
    const commit = copied(given);
    const key = commit.checks?.[0]?.key;
    const current = key === undefined ? undefined : (await this.good.get(partition, [key])).entries[0]?.rev;
    if (current !== commit.id) return super.commit(partition, commit);
    const { checks, ...unchecked } = commit;
    return super.commit(partition, unchecked);
  }
}

export class PartsApart extends Altered {
  override async commit(partition: string, given: Commit): ReturnType<Store['commit']> {
    const commit = copied(given);
    if (!commit.puts?.length || !commit.checks?.length) return super.commit(partition, commit);
    await this.good.commit(partition, { id: commit.id, puts: commit.puts });
    return super.commit(partition, commit);
  }
}

export class DropKeepsSeq extends Altered {
  override commit(partition: string, { drop, ...rest }: Commit): ReturnType<Store['commit']> {
    return super.commit(partition, rest);
  }
}

export class DeletedSeqReused extends Altered {
  override async commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    const result = await super.commit(partition, commit);
    const { seq } = await this.good.get(partition, []);
    if (!commit.deletes?.includes(appendKey(seq))) return result;
    await this.good.commit(partition, { id: `${commit.id}d`.slice(-40), drop: true }).catch(() => {});
    return result;
  }
}

export class AbsenceNotChecked extends Altered {
  override commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    return super.commit(partition, { ...commit, checks: commit.checks?.filter(({ rev }) => rev !== null) });
  }
}

/** Reads, thinks, and writes what is no longer so. */
export class ChecksThenWrites extends Altered {
  override async commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    const own = copied(commit);
    const { checks, ...rest } = own;
    if (!checks?.length) return super.commit(partition, own);
    const checked = await super.commit(partition, { id: `${commit.id}?`.slice(-40).replace('?', 'c'), checks });
    if (!checked.ok) return checked;
    await new Promise((resolve) => setImmediate(resolve));
    return super.commit(partition, rest);
  }
}

/** Lets in whoever once held the entry. */
export class StaleHolderAllowed extends Altered {
  static readonly #held: Map<string, Set<string>> = new Map();
  override async commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    const own = copied(commit);
    const checks = [];
    for (const check of own.checks ?? []) {
      const held = StaleHolderAllowed.#held.get(`${partition} ${check.key}`);
      const was = check.rev !== null && held?.has(check.rev) === true;
      const now = was ? (await this.good.get(partition, [check.key])).entries[0]?.rev : undefined;
      checks.push(now === undefined ? check : { ...check, rev: now });
    }
    const result = await super.commit(partition, { ...own, checks });
    if (result.ok)
      for (const { key } of own.puts ?? []) {
        const held = StaleHolderAllowed.#held.get(`${partition} ${key}`) ?? new Set();
        StaleHolderAllowed.#held.set(`${partition} ${key}`, held.add(own.id));
      }
    return result;
  }
}

/** Compares what entries hold instead of who wrote them. */
export class RevisionReused extends Altered {
  static readonly #values: Map<string, string> = new Map();
  override async commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    const own = copied(commit);
    const checks = [];
    for (const check of own.checks ?? []) {
      const then = RevisionReused.#values.get(`${check.rev} ${check.key}`);
      const entry = (await this.good.get(partition, [check.key])).entries[0];
      const same = entry?.value !== undefined && then === Buffer.from(entry.value).toString('hex');
      checks.push(same ? { ...check, rev: entry.rev } : check);
    }
    for (const { key, value } of own.puts ?? [])
      if (value instanceof Uint8Array)
        RevisionReused.#values.set(`${own.id} ${key}`, Buffer.from(value).toString('hex'));
    return super.commit(partition, { ...own, checks });
  }
}

export class ConflictThrown extends Altered {
  override async commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    const result = await super.commit(partition, commit);
    if (result.ok) return result;
    throw new StoreError('unavailable', `a check of ${result.failed} failed`);
  }
}

export class ErrorSwallowed extends Altered {
  override async commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    return super.commit(partition, commit).catch(() => ({ ok: true }));
  }
}

export class AppendsOutOfOrder extends Altered {
  override commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    return super.commit(partition, { ...commit, appends: commit.appends && [...commit.appends].reverse() });
  }
}

export class RefusalSetsDue extends Altered {
  override async commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    const result = await super.commit(partition, commit);
    if (!result.ok && commit.due !== undefined)
      await super.commit(partition, { id: `${commit.id}r`.slice(-40), due: commit.due });
    return result;
  }
}

export class DueInThirtyTwoBits extends Altered {
  override commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    const { due } = commit;
    if (due === undefined || !('in' in due) || due.in === null || !Number.isFinite(due.in))
      return super.commit(partition, commit);
    return super.commit(partition, { ...commit, due: { in: due.in | 0 } });
  }
}

export class SeqIsInThirtyTwoBits extends Altered {
  override commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    return super.commit(partition, commit.seqIs === undefined ? commit : { ...commit, seqIs: commit.seqIs | 0 });
  }
}

/** The first check of a key is forgotten over its second. */
export class OneCheckPerKey extends Altered {
  override commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    const checks = commit.checks && [...new Map(commit.checks.map((check) => [check.key, check])).values()];
    return super.commit(partition, { ...commit, checks });
  }
}

const HOUR = 3_600_000;

/** Every other client's clock is an hour ahead. */
export class DueByTheClientsClock extends Altered {
  static #clients = 0;
  readonly #ahead: number = DueByTheClientsClock.#clients++ % 2 === 0 ? 0 : HOUR;
  override commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    const { due } = commit;
    if (due === undefined) return super.commit(partition, commit);
    if ('ifNullIn' in due) return super.commit(partition, { ...commit, due: { ifNullIn: due.ifNullIn + this.#ahead } });
    return super.commit(partition, { ...commit, due: { in: due.in === null ? null : due.in + this.#ahead } });
  }
  override async get(...args: Parameters<Store['get']>): ReturnType<Store['get']> {
    const snapshot = await super.get(...args);
    return { ...snapshot, dueIn: snapshot.dueIn === null ? null : snapshot.dueIn - this.#ahead };
  }
}
