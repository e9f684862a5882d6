import { jittered } from '../env.js';
import { MotionError } from '../errors.js';
import type { Inbox } from '../queue/backlog.js';
import { Drain } from '../queue/drain.js';
import type { LoadedBatch } from '../queue/group.js';
import { type Sightings, take } from '../queue/take.js';
import { parsePartition } from '../state/keys.js';
import { shardOf } from '../store/arguments.js';
import { StoreError } from '../store/errors.js';
import { finishClear } from './clear.js';
import type { Host } from './host.js';
import type { OpenedInstance } from './opened.js';

/** Which updates a worker runs, and how many at once. */
export interface WorkerScope {
  /** Names of components; undefined: all that are registered. */
  readonly components: ReadonlySet<string> | undefined;
  readonly shard: readonly [index: number, of: number] | undefined;
  /** Instances whose updates run at the same time. */
  readonly concurrency: number;
}

/** One instance that is being drained, or waits for it. */
interface Job {
  readonly inbox: Inbox;
  /** The newest seq that was appended here, and up to which of them the job looked. */
  seq: number;
  seen: number;
  opened?: OpenedInstance | undefined;
  drain?: Drain;
  /** The instance was cleared and made anew meanwhile: the new one is looked at when this ends. */
  outlived?: true;
}

const SCAN_MS = 1_000;
/** A burst of hints costs one scan. */
const HINTED_SCAN_MS = 25;
/** What a process starts for, which is not to look for what others left, goes first. */
const FIRST_SCAN_MS = 25;
const ERROR_MS = 1_000;
/** Batches that one instance's holder takes over in memory, at most. */
const MOST_HANDED_OVER = 1_000;

/**
 * Runs queued updates: of instances that this process appended to, at once; of any other, when a scan finds it due. There
 * is no poll per instance: an idle one costs nothing.
 */
export class UpdateWorker {
  private readonly host: Host;
  private readonly scope: WorkerScope;
  private readonly me: string;
  private readonly jobs = new Map<string, Job>();
  /** Jobs beyond the concurrency, in the order in which they came. */
  private readonly waiting: string[] = [];
  private readonly timers = new Map<string, () => void>();
  private readonly sightings: Sightings = new Map();
  private running = 0;
  private cancelScan: (() => void) | undefined;
  private scanning = false;
  private hinted = false;
  private unwatch: (() => void) | undefined;
  private closing = false;
  private readonly onQuiet: (() => void)[] = [];
  /** Those that failed: a scan leaves them alone until their timer fires. */
  private readonly resting = new Set<string>();

  constructor(host: Host, scope: WorkerScope) {
    this.host = host;
    this.scope = scope;
    this.me = host.settings.env.id();
  }

  start(): void {
    this.unwatch = this.host.settings.store.watch?.((partition) => {
      // What this process drains, it knows best itself.
      if (partition === undefined || !this.jobs.has(partition)) this.hint();
    });
    this.scanLater(FIRST_SCAN_MS);
  }

  /** This process appended. */
  nudge(opened: OpenedInstance, seq: number, batch: LoadedBatch | undefined): void {
    if (this.closing || !this.covers(opened.registered.definition.name) || !this.isInShard(opened.partition)) return;
    const job = this.job(opened.partition);
    job.opened ??= opened;
    if (job.opened !== opened && job.opened.root.incarnation !== opened.root.incarnation) {
      job.outlived = true;
      job.drain?.stop(true);
      return;
    }
    // A long backlog is left to the store.
    if (batch && job.inbox.size < MOST_HANDED_OVER) job.inbox.set(seq, batch);
    job.seq = Math.max(job.seq, seq);
    job.drain?.appended(seq);
  }

  /**
   * Takes nothing new, ends what runs, gives the leases back.
   *
   * @param abortRunning tell running updates to give up
   */
  async close(abortRunning: boolean): Promise<void> {
    this.closing = true;
    this.unwatch?.();
    this.cancelScan?.();
    for (const cancel of this.timers.values()) cancel();
    this.timers.clear();
    for (const partition of this.waiting.splice(0)) this.jobs.delete(partition);
    for (const { drain } of this.jobs.values()) drain?.stop(abortRunning);
    if (this.running > 0) await new Promise<void>((resolve) => this.onQuiet.push(resolve));
  }

  private isInShard(partition: string): boolean {
    const { shard } = this.scope;
    return shard === undefined || shardOf(partition, shard[1]) === shard[0];
  }

  private covers(component: string): boolean {
    return (this.scope.components?.has(component) ?? true) && this.host.isRegistered(component);
  }

  private job(partition: string): Job {
    const known = this.jobs.get(partition);
    if (known) return known;
    this.timers.get(partition)?.();
    this.timers.delete(partition);
    this.resting.delete(partition);
    const job: Job = { inbox: new Map(), seq: 0, seen: 0 };
    this.jobs.set(partition, job);
    if (this.running < this.scope.concurrency) this.begin(partition, job);
    else this.waiting.push(partition);
    return job;
  }

  private begin(partition: string, job: Job): void {
    this.running++;
    // Not in the caller's turn: the job gets its inbox first, and an append its answer.
    void Promise.resolve().then(async () => {
      const again = await this.work(partition, job);
      this.running--;
      this.jobs.delete(partition);
      if (this.closing) job.inbox.clear();
      else if (job.outlived) this.job(partition);
      else if (again !== undefined) this.later(partition, again);
      else if (job.seq > job.seen) this.takeOver(partition, job);
      this.next();
      if (this.running === 0) for (const resolve of this.onQuiet.splice(0)) resolve();
    });
  }

  /** Something was appended while a job was on its way out. */
  private takeOver(partition: string, { opened, seq, inbox }: Job): void {
    const next = this.job(partition);
    next.opened ??= opened;
    next.seq = Math.max(next.seq, seq);
    for (const [at, calls] of inbox) next.inbox.set(at, calls);
  }

  private next(): void {
    while (!this.closing && this.running < this.scope.concurrency) {
      const partition = this.waiting.shift();
      const job = partition === undefined ? undefined : this.jobs.get(partition);
      if (partition === undefined || !job) return;
      this.begin(partition, job);
    }
  }

  /** @returns milliseconds until the next look at the instance, if one is worth while */
  private async work(partition: string, job: Job): Promise<number | undefined> {
    let opened: OpenedInstance | undefined;
    try {
      const found = job.opened ?? (await this.host.openForWorker(partition));
      // This process may have opened it meanwhile.
      job.opened ??= found;
      opened = job.opened;
      if (!opened) return undefined;
      opened.users++;
      try {
        return await this.drain(opened, job);
      } finally {
        this.host.release(opened);
      }
    } catch (error) {
      return this.failed(partition, job, opened, error);
    }
  }

  private async drain(opened: OpenedInstance, job: Job): Promise<number | undefined> {
    while (!this.closing) {
      const { seq } = job;
      job.seen = seq;
      const taken = await take(opened.queue, this.me, this.sightings, seq);
      if (taken.kind === 'later') return taken.inMs;
      if (taken.kind === 'idle') {
        if (job.seq > seq) continue;
        return undefined;
      }
      const { queue } = opened;
      // Others wait for this place: then no lingering.
      job.drain = new Drain(queue, taken, job.inbox, () => (this.waiting.length > 0 ? 0 : queue.options.lingerMs));
      if (this.closing) job.drain.stop(false);
      opened.drain = job.drain;
      const drained = await job.drain.run().finally(() => {
        opened.drain = undefined;
      });
      delete job.drain;
      if (drained.kind === 'retry') return drained.inMs;
      if (drained.kind === 'lost') return queue.options.ttlMs;
      if (drained.kind === 'stopped') return undefined;
      if (job.seq <= opened.root.cursor) {
        job.seen = job.seq;
        return undefined;
      }
    }
    return undefined;
  }

  /** @param opened what failed: undefined if it could not be opened; what the job has by now may be its next life */
  private failed(partition: string, job: Job, opened: OpenedInstance | undefined, error: unknown): number | undefined {
    delete job.drain;
    job.seen = job.seq;
    if (MotionError.is(error, 'INSTANCE_GONE')) {
      opened?.waitersIfAny?.fail(error);
      // Perhaps the one who cleared it died half-way.
      const { store, env, logger } = this.host.settings;
      finishClear({ store, env, partition }).catch((cause) => logger.warn(`${partition} is not cleared yet`, cause));
      // Or a handle here is still on what was cleared elsewhere: then there may be a new one to look at.
      return (opened ? this.host.letGo(opened) : job.opened) ? 0 : undefined;
    }
    if (this.closing && StoreError.is(error, 'closed')) return undefined;
    const { component, id } = parsePartition(partition) ?? { component: partition, id: '' };
    this.host.settings.onError(error, { componentName: component, instanceId: id });
    // Nothing behind a damaged entry can run: those who wait are told, rather than left waiting.
    if (MotionError.is(error)) (opened ?? job.opened)?.waitersIfAny?.fail(error);
    this.resting.add(partition);
    return StoreError.is(error, 'closed') ? undefined : ERROR_MS * (MotionError.is(error) ? 30 : 1);
  }

  private later(partition: string, ms: number): void {
    this.timers.get(partition)?.();
    const cancel = this.host.settings.env.timer(
      ms,
      () => {
        this.timers.delete(partition);
        if (!this.closing) this.job(partition);
      },
      true,
    );
    this.timers.set(partition, cancel);
  }

  private hint(): void {
    if (this.hinted || this.closing) return;
    this.hinted = true;
    this.scanLater(HINTED_SCAN_MS);
  }

  private scanLater(ms: number): void {
    this.cancelScan?.();
    this.cancelScan = this.host.settings.env.timer(ms, () => void this.scan(), true);
  }

  private async scan(): Promise<void> {
    // A hint that comes meanwhile is heeded when the scan ends.
    if (this.scanning) return;
    this.scanning = true;
    this.hinted = false;
    const { env, store, logger } = this.host.settings;
    try {
      let cursor: string | undefined;
      do {
        const { shard } = this.scope;
        const page = await store.scan({ due: true, ...(shard && { shard }) }, cursor);
        for (const partition of page.partitions) {
          const parsed = parsePartition(partition);
          if (this.closing) return;
          if (parsed && this.covers(parsed.component) && !this.resting.has(partition)) this.job(partition);
        }
        cursor = page.cursor;
      } while (cursor !== undefined && this.waiting.length < this.scope.concurrency);
    } catch (error) {
      if (!this.closing && !StoreError.is(error, 'closed'))
        logger.warn('looking for queued updates failed; it is tried again', error);
    } finally {
      this.scanning = false;
      if (!this.closing) this.scanLater(this.hinted ? HINTED_SCAN_MS : jittered(env, SCAN_MS));
    }
  }
}
