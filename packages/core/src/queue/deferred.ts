import type { Call } from '../state/records.js';
import type { Check, Put } from '../store/contract.js';
import type { Appended } from './position.js';

/** What a deferred call needs of the producer that would queue it. */
export interface DeferredQueue {
  /** Queues the call before all others that wait. `tried` are commits of which one may have had its effect already. */
  enqueueFirst(call: Call, tried: ReadonlySet<string>): Promise<Appended>;
  /** What a commit must check and put so that the call takes effect at most once; nothing else is queued meanwhile. */
  beginDirect(): { readonly checks: readonly Check[]; readonly puts: readonly Put[] };
  /** The call's effect is committed by this commit, or needed none. */
  endDirect(commit: string | undefined): void;
}

/**
 * A call whose updates run before it is queued. When the holder is in this process, has nothing to do, and the caller waits
 * for the commit anyway, queuing first would but cost a second commit. The call is queued after all, at its place, as soon as
 * another wants to be, or the updates take long, or fail: then all goes on as if it had been queued from the start.
 *
 * Its own commit checks and puts the writer's slot. So even if that commit's outcome is never learned, queuing the call
 * afterwards finds out: the slot then has the revision of that commit, or makes it impossible.
 */
export class Deferred {
  readonly call: Call;
  /** Where it was queued; undefined: it is committed. */
  readonly settled: Promise<Appended | undefined>;
  private readonly producer: DeferredQueue;
  private readonly tried = new Set<string>();
  private phase: 'running' | 'committing' | 'queued' | 'committed' = 'running';
  private appended: Promise<Appended> | undefined;
  private settle: (appended: Appended | undefined | Promise<Appended>) => void = () => undefined;

  constructor(call: Call, producer: DeferredQueue) {
    this.call = call;
    this.producer = producer;
    this.settled = new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  /** Whether it may still be committed without being queued. */
  get isRunning(): boolean {
    return this.phase === 'running';
  }

  /** Others want to be queued behind it, or it takes long: queued now, unless its commit is on its way. */
  makeWay(): void {
    if (this.phase === 'running') void this.queue().catch(() => undefined);
  }

  /** Queues it, if it is not yet. */
  queue(): Promise<Appended> {
    if (!this.appended) {
      this.phase = 'queued';
      this.appended = this.producer.enqueueFirst(this.call, this.tried);
      this.settle(this.appended);
    }
    return this.appended;
  }

  /** Its effect is about to be committed. */
  committing(commit: string): ReturnType<DeferredQueue['beginDirect']> {
    this.phase = 'committing';
    this.tried.add(commit);
    return this.producer.beginDirect();
  }

  /** That commit was not applied, and never will be. */
  notCommitted(commit: string): void {
    this.tried.delete(commit);
  }

  /** Its effect is committed, or it had none. */
  committed(commit?: string): void {
    this.phase = 'committed';
    this.producer.endDirect(commit);
    this.settle(undefined);
  }
}
