import {
  type Commit,
  type CommitResult,
  type Entry,
  type ScanPage,
  type Snapshot,
  type Store,
  StoreError,
} from '@motion-ts/core/store';
import { Altered } from './altered.js';

/** A request that was not answered. */
export class LinkBroken extends Error {
  override readonly name = 'LinkBroken';
  /** Whether it may have arrived. */
  readonly sent: boolean;

  constructor(sent: boolean, message: string) {
    super(message);
    this.sent = sent;
  }
}

/** The way to a server, as far as it can fail: requests and answers are lost, or arrive late. */
export class SimulatedLink {
  /** How long a store behind it waits for an answer, in ms. */
  readonly timeoutMs: number;
  #state: 'up' | 'cut' | 'silent' = 'up';
  readonly #waiting: Set<() => void> = new Set();

  constructor(timeoutMs = 200) {
    this.timeoutMs = timeoutMs;
  }

  /** Requests and answers that are under way are lost, and none goes through. */
  async cut(): Promise<void> {
    this.#become('cut');
  }
  /** Requests and answers wait, and arrive once it is restored. */
  async hang(): Promise<void> {
    this.#become('silent');
  }
  async restore(): Promise<void> {
    this.#become('up');
  }

  get up(): boolean {
    return this.#state === 'up';
  }

  /** Resolves once the state is another. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  /**
   * Sends a request and waits for the answer.
   *
   * @param apply what the server does when the request arrives, be it too late for the sender
   * @throws LinkBroken
   */
  async carry<T>(apply: () => Promise<T>, timeoutMs: number = this.timeoutMs): Promise<T> {
    if (this.#state === 'cut') throw new LinkBroken(false, 'refused the connection');
    const answer = this.#deliver(apply);
    answer.catch(() => {});
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const wait = (): void => {
        timer = setTimeout(() => {
          // Over a link that is up the answer is on its way, however busy this process is.
          if (this.up) wait();
          else reject(new LinkBroken(true, `did not answer within ${timeoutMs} ms`));
        }, timeoutMs);
      };
      wait();
    });
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  }

  async #deliver<T>(apply: () => Promise<T>): Promise<T> {
    await this.#travel();
    const answer = await apply();
    await this.#travel();
    return answer;
  }

  async #travel(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#state !== 'up') {
      if (this.#state === 'cut') throw new LinkBroken(true, 'broke the connection');
      await this.changed();
    }
  }

  #become(state: 'up' | 'cut' | 'silent'): void {
    this.#state = state;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** A store at the other end of a link, which does what the contract says: others are broken on the ground of it. */
export class OverLink extends Altered {
  protected readonly link: SimulatedLink;
  readonly #underWay: Set<Promise<unknown>> = new Set();
  #closed = false;

  constructor(good: Store, link: SimulatedLink = new SimulatedLink()) {
    super(good);
    this.link = link;
  }

  override get(...args: Parameters<Store['get']>): Promise<Snapshot> {
    return this.call('get', () => super.get(...args));
  }
  override list(...args: Parameters<Store['list']>): Promise<readonly Entry[]> {
    return this.call('list', () => super.list(...args));
  }
  override commit(partition: string, commit: Commit): Promise<CommitResult> {
    const own = copied(commit);
    return this.call('commit', () => super.commit(partition, own));
  }
  override scan(...args: Parameters<Store['scan']>): Promise<ScanPage> {
    return this.call('scan', () => super.scan(...args));
  }
  override cacheGet(...args: Parameters<Store['cacheGet']>): Promise<Uint8Array | undefined> {
    return this.call('cacheGet', () => super.cacheGet(...args));
  }
  override cacheSet(...[partition, key, value, ttlMs]: Parameters<Store['cacheSet']>): Promise<void> {
    const own = value instanceof Uint8Array ? new Uint8Array(value) : value;
    return this.call('cacheSet', () => super.cacheSet(partition, key, own, ttlMs));
  }
  override cacheClear(...args: Parameters<Store['cacheClear']>): Promise<void> {
    return this.call('cacheClear', () => super.cacheClear(...args));
  }

  override async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
    await super.close();
  }

  protected async call<T>(method: keyof Store, apply: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new StoreError('closed', 'this store was closed');
    const call = this.send(method, apply);
    this.#underWay.add(call);
    try {
      return await call;
    } finally {
      this.#underWay.delete(call);
    }
  }

  protected async send<T>(method: keyof Store, apply: () => Promise<T>, timeoutMs?: number): Promise<T> {
    try {
      return await this.link.carry(apply, timeoutMs);
    } catch (error) {
      throw error instanceof LinkBroken ? this.failure(method, error) : error;
    }
  }

  protected failure(method: keyof Store, error: LinkBroken): Error {
    const code = error.sent && method === 'commit' ? 'unknown' : 'unavailable';
    return new StoreError(code, `${method}: the server ${error.message}`, { cause: error });
  }
}

/** The caller may change its bytes as soon as the call was made. What is no bytes is left for the store to refuse. */
export function copied(commit: Commit): Commit {
  const copy = (value: Uint8Array): Uint8Array => (value instanceof Uint8Array ? new Uint8Array(value) : value);
  const { puts, appends } = commit;
  return {
    ...commit,
    ...(puts && { puts: puts.map(({ key, value }) => ({ key, value: copy(value) })) }),
    ...(appends && { appends: appends.map(copy) }),
  };
}
