import {
  assertCommit,
  assertGet,
  assertName,
  type Commit,
  type CommitResult,
  type Entry,
  type Limits,
  type ScanPage,
  type ScanQuery,
  type Snapshot,
  type Store,
  StoreError,
} from '@motion-ts/core/store';
import type { Faults } from './faults.js';
import type { SimulatedServer } from './server.js';
import type { Process, World } from './world.js';

/**
 * One process's way to the server: as weak as the contract allows. Requests and answers are late or lost; a call that got
 * no answer in time is `unknown` (a commit) or `unavailable` (anything else), and may still be done later.
 */
export class SimulatedStore implements Store {
  readonly limits: Limits;
  /** May be changed at any time. */
  faults: Readonly<Faults>;
  private readonly server: SimulatedServer;
  private readonly process: Process;
  private readonly world: World;
  private readonly cached: SimulatedCache;
  private readonly stops: Set<() => void> = new Set();
  private closed = false;

  constructor(server: SimulatedServer, process: Process, cache: SimulatedCache, faults: Readonly<Faults>) {
    this.server = server;
    this.limits = server.limits;
    this.process = process;
    this.world = server.world;
    this.cached = cache;
    this.faults = faults;
  }

  async get(
    partition: string,
    keys: readonly string[],
    options: { readonly known?: readonly (string | undefined)[] } = {},
  ): Promise<Snapshot> {
    assertGet(partition, keys, this.limits);
    const asked = [...keys];
    const known = this.world.random.chance(this.faults.ignoreKnown) ? undefined : options.known && [...options.known];
    return this.read(() => this.server.get(partition, asked, known));
  }

  async list(
    partition: string,
    range: { readonly prefix: string; readonly after?: string; readonly limit: number },
  ): Promise<readonly Entry[]> {
    assertName('partition', partition);
    const { prefix, after, limit } = range;
    const first = await this.read(() => this.server.range(partition, prefix, after));
    if (!this.world.random.chance(this.faults.tornList)) return this.page(first, limit);
    const second = await this.read(() => this.server.range(partition, prefix, after));
    const either = new Map<string, Entry>();
    for (const entry of [...first, ...second]) {
      const inBoth = [first, second].every((list) => list.some(({ key }) => key === entry.key));
      if (inBoth || this.world.random.chance(0.5)) either.set(entry.key, entry);
    }
    return this.page(
      [...either.values()].sort((a, b) => (a.key < b.key ? -1 : 1)),
      limit,
    );
  }

  private page(entries: readonly Entry[], limit: number): Entry[] {
    let bytes = 0;
    return entries.slice(0, limit).filter(({ value }, i) => {
      bytes += value.byteLength;
      return i === 0 || bytes <= this.limits.getBytes;
    });
  }

  async commit(partition: string, commit: Commit): Promise<CommitResult> {
    assertCommit(partition, commit, this.limits);
    if (this.world.random.chance(this.faults.full) && !this.closed) {
      await this.read(() => undefined);
      throw new StoreError('full', 'the simulated store has no room just now');
    }
    // The caller may change its bytes once the call returned.
    const sent: Commit = {
      ...commit,
      ...(commit.puts && { puts: commit.puts.map(({ key, value }) => ({ key, value: new Uint8Array(value) })) }),
      ...(commit.appends && { appends: commit.appends.map((value) => new Uint8Array(value)) }),
    };
    let applied = false;
    const act = (): CommitResult => {
      const result = this.server.commit(partition, sent);
      if (result.ok) applied = true;
      return result;
    };
    try {
      return await this.call(act, true);
    } catch (error) {
      if (StoreError.is(error, 'unknown')) {
        this.server.counts.unknown++;
        if (applied) this.server.counts.unknownButApplied++;
      }
      throw error;
    }
  }

  async scan(query: ScanQuery, cursor?: string): Promise<ScanPage> {
    const { random } = this.world;
    const lag = random.int(0, this.faults.scanLagMs);
    const all = await this.read(() => this.server.scan(query, lag));
    const from = cursor === undefined ? 0 : Number(cursor);
    const to = from + random.int(1, 3);
    const partitions = all.slice(from, to);
    return to < all.length ? { partitions, cursor: String(to) } : { partitions };
  }

  watch(listener: (partition: string | undefined) => void): () => void {
    const tell = (partition: string): void => {
      const { random } = this.world;
      if (random.chance(this.faults.loseHint)) return;
      const what = random.chance(0.1) ? undefined : partition;
      this.world.schedule(random.int(1, 20), () => this.stops.has(stop) && listener(what), this.process);
    };
    const stop = (): void => {
      this.server.listeners.delete(tell);
      this.stops.delete(stop);
    };
    this.server.listeners.add(tell);
    this.stops.add(stop);
    return stop;
  }

  async cacheGet(partition: string, key: string): Promise<Uint8Array | undefined> {
    return this.read(() => this.cached.get(partition, key, this.world.now));
  }

  async cacheSet(partition: string, key: string, value: Uint8Array, ttlMs: number): Promise<void> {
    if (value.byteLength > this.limits.valueBytes) throw new StoreError('too_large', `cached value of ${key}`);
    const copy = new Uint8Array(value);
    return this.read(() => this.cached.set(partition, key, copy, this.world.now + ttlMs));
  }

  async cacheClear(partition: string): Promise<void> {
    return this.read(() => this.cached.clear(partition));
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const stop of this.stops) stop();
  }

  /** Anything whose repetition does no harm: without an answer it is `unavailable`. */
  private read<T>(act: () => T): Promise<T> {
    return this.call(act, false);
  }

  private call<T>(act: () => T, isCommit: boolean): Promise<T> {
    const { world, process, faults } = this;
    const { random } = world;
    if (this.closed) return Promise.reject(new StoreError('closed', 'the simulated store was closed'));
    return new Promise<T>((resolve, reject) => {
      // The dead send nothing.
      if (!process.alive) return;
      let settled = false;
      const settle = (how: () => void): void => {
        if (settled) return;
        settled = true;
        cancelTimeout();
        how();
      };
      const cancelTimeout = world.schedule(
        faults.timeoutMs,
        () => settle(() => reject(new StoreError(isCommit ? 'unknown' : 'unavailable', 'no answer came in time'))),
        process,
      );
      if (random.chance(faults.unavailable)) {
        const refuse = (): void => reject(new StoreError('unavailable', 'the simulated store is not to be reached'));
        world.schedule(random.int(1, 5), () => settle(refuse), process);
        return;
      }
      const delay = this.delay();
      if (!random.chance(faults.loseRequest))
        world.schedule(delay, () => {
          const answer = this.answerOf(act, resolve, reject);
          if (!random.chance(faults.loseReply)) world.schedule(this.delay(), () => settle(answer), process);
        });
      // A copy comes after the first: then its answer, `ok: false`, is nobody's.
      if (isCommit && random.chance(faults.duplicate))
        world.schedule(delay + random.pick([5, 100, 1_500, 20_000]) * random.fraction(), () => {
          this.server.counts.lateDuplicates++;
          this.answerOf(act, resolve, reject);
        });
    });
  }

  /** Does it at the server, now. */
  private answerOf<T>(act: () => T, resolve: (value: T) => void, reject: (error: unknown) => void): () => void {
    try {
      const result = act();
      return () => resolve(result);
    } catch (error) {
      if (!StoreError.is(error)) throw error;
      return () => reject(error);
    }
  }

  /** Most messages are fast, some are very slow. */
  private delay(): number {
    const { random } = this.world;
    return random.chance(this.faults.slow) ? 50 * 400 ** random.fraction() : random.int(1, 12);
  }
}

/** The server's cache of results. */
export class SimulatedCache {
  private readonly partitions = new Map<
    string,
    Map<string, { readonly value: Uint8Array; readonly expires: number }>
  >();

  get(partition: string, key: string, now: number): Uint8Array | undefined {
    const found = this.partitions.get(partition)?.get(key);
    return found && found.expires > now ? new Uint8Array(found.value) : undefined;
  }

  set(partition: string, key: string, value: Uint8Array, expires: number): void {
    const held = this.partitions.get(partition) ?? new Map();
    this.partitions.set(partition, held);
    held.set(key, { value, expires });
  }

  clear(partition: string): void {
    this.partitions.delete(partition);
  }
}
