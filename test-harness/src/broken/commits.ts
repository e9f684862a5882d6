import { appendKey, type Commit, type Store } from '@motion-ts/core/store';
import { Altered } from './altered.js';

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
  override async commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
    const key = commit.checks?.[0]?.key;
    const current = key === undefined ? undefined : (await this.good.get(partition, [key])).entries[0]?.rev;
    if (current !== commit.id) return super.commit(partition, commit);
    const { checks, ...unchecked } = commit;
    return super.commit(partition, unchecked);
  }
}

export class PartsApart extends Altered {
  override async commit(partition: string, commit: Commit): ReturnType<Store['commit']> {
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
