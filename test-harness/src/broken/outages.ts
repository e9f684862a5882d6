import { type Commit, type CommitResult, type Snapshot, type Store, StoreError } from '@motion-ts/core/store';
import { copied, type LinkBroken, OverLink } from './link.js';

/** Stores that do wrong when their server is away. */

export class NeverSettlesWithoutAnswer extends OverLink {
  protected override send<T>(method: keyof Store, apply: () => Promise<T>): Promise<T> {
    return super.send(method, apply, 2 ** 31 - 1);
  }
}

export class UnavailableThoughApplied extends OverLink {
  protected override failure(method: keyof Store, error: LinkBroken): Error {
    return new StoreError('unavailable', `${method}: the server ${error.message}`, { cause: error });
  }
}

export class ReadsOfUnknownOutcome extends OverLink {
  protected override failure(method: keyof Store, error: LinkBroken): Error {
    return new StoreError('unknown', `${method}: the server ${error.message}`, { cause: error });
  }
}

export class OutagesOfItsOwn extends OverLink {
  protected override failure(_method: keyof Store, error: LinkBroken): Error {
    return Object.assign(new Error(error.message), { code: 'ECONNRESET' });
  }
}

export class OutageReadsAsEmpty extends OverLink {
  override async get(...[partition, keys, options]: Parameters<Store['get']>): Promise<Snapshot> {
    try {
      return await super.get(partition, keys, options);
    } catch (error) {
      if (!StoreError.is(error, 'unavailable')) throw error;
      return { seq: 0, dueIn: null, entries: keys.map(() => undefined) };
    }
  }
}

export class AcknowledgedWhenSent extends OverLink {
  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    try {
      return await super.commit(partition, commit);
    } catch (error) {
      if (!StoreError.is(error, 'unknown')) throw error;
      return commit.appends?.length ? { ok: true, seq: 1 } : { ok: true };
    }
  }
}

export class NeverComesBack extends OverLink {
  #lost = false;
  protected override async send<T>(method: keyof Store, apply: () => Promise<T>): Promise<T> {
    if (this.#lost) throw new StoreError('unavailable', 'the connection was lost');
    try {
      return await super.send(method, apply);
    } catch (error) {
      this.#lost ||= StoreError.is(error, 'unavailable') || StoreError.is(error, 'unknown');
      throw error;
    }
  }
}

/** What the second sending came to says nothing of the first. */
export class SentAgainByItself extends OverLink {
  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    const own = copied(commit);
    try {
      return await super.commit(partition, own);
    } catch (error) {
      if (!StoreError.is(error, 'unknown')) throw error;
      return super.commit(partition, own);
    }
  }
}

export class PartsApartOverLink extends OverLink {
  override async commit(partition: string, commit: Commit): Promise<CommitResult> {
    const { appends, ...first } = copied(commit);
    if (!appends?.length || !first.puts?.length) return super.commit(partition, commit);
    const result = await super.commit(partition, first);
    return result.ok ? super.commit(partition, { id: commit.id, appends }) : result;
  }
}

export class CloseWaitsForServer extends OverLink {
  override async close(): Promise<void> {
    while (!this.link.up) await this.link.changed();
    await super.close();
  }
}

export class WatchEndsWithConnection extends OverLink {
  override watch(listener: (partition: string | undefined) => void): () => void {
    let lost = false;
    if (!this.link.up) lost = true;
    else
      void this.link.changed().then(() => {
        lost = true;
      });
    return super.watch((partition) => {
      if (!lost) listener(partition);
    });
  }
}
