import { MotionError } from '../errors.js';
import type { QueueContext } from '../queue/context.js';
import type { Drain } from '../queue/drain.js';
import type { LoadedBatch } from '../queue/group.js';
import type { Appended } from '../queue/position.js';
import { Producer } from '../queue/producer.js';
import { Waiters } from '../queue/waiters.js';
import { Chunks } from '../state/chunks.js';
import type { Call, Root } from '../state/records.js';
import { type Fresh, View } from '../state/view.js';
import type { Settings } from './options.js';
import { ComponentRunner, type RegisteredComponent } from './update-runner.js';

/** Hears of appends of this process; set where this process also runs updates. */
export type Nudge = (opened: OpenedInstance, seq: number, batch: LoadedBatch | undefined) => void;

/** What the host knows of those who run updates here. */
export interface Nudgeable {
  nudge: Nudge;
  close(abortRunning: boolean): Promise<void>;
}

/** One instance as this process holds it: shared by all handles on it, and by the worker that runs its updates. */
export class OpenedInstance {
  readonly registered: RegisteredComponent;
  readonly id: string;
  readonly partition: string;
  readonly what: string;
  readonly queue: QueueContext;
  /** How many handles, and a running drain, need it. */
  users = 0;
  /** The holder at work, while it is in this process. */
  drain: Drain | undefined;
  private readonly nudge: Nudge | undefined;
  private theProducer: Producer | undefined;
  private theWaiters: Waiters | undefined;

  constructor(
    registered: RegisteredComponent,
    id: string,
    partition: string,
    settings: Settings,
    nudge: Nudge | undefined,
  ) {
    const { store, env, turns, suspects, session, codec, queue: options } = settings;
    this.registered = registered;
    this.id = id;
    this.partition = partition;
    this.what = `${registered.definition.name}/${id}`;
    this.nudge = nudge;
    const chunks = new Chunks(store, env, partition, options.patienceMs);
    const info = { componentName: registered.definition.name, instanceId: id };
    this.queue = {
      env,
      turns,
      suspects,
      session,
      store,
      partition,
      what: this.what,
      codec,
      chunks,
      view: new View(store, env, partition, this.what, codec, chunks),
      options,
      runner: new ComponentRunner(registered, settings, id, this.what),
      events: {
        isAwaited: () => this.theWaiters?.any ?? false,
        committed: (done) => this.theWaiters?.committed(done),
        failed: ({ flow, update }, error, dead) => settings.onError(error, { ...info, flow, update, dead }),
        warn: (message, cause) => settings.logger.warn(message, ...(cause === undefined ? [] : [cause])),
      },
    };
  }

  /** @throws MotionError `INSTANCE_GONE`, `CORRUPT`; StoreError */
  refresh(): Promise<Fresh> {
    return this.queue.view.refresh();
  }

  /** The newest root that is known; the instance was loaded before anything else could be asked of it. */
  get root(): Root {
    const root = this.queue.view.current?.root;
    if (!root) throw new MotionError('INSTANCE_GONE', `${this.what} was not loaded`);
    return root;
  }

  get producer(): Producer {
    this.theProducer ??= new Producer(this.queue, this.root.incarnation, (seq, batch) =>
      this.nudge?.(this, seq, batch),
    );
    return this.theProducer;
  }

  get waiters(): Waiters {
    this.theWaiters ??= new Waiters(
      this.queue,
      this.root.incarnation,
      () => this.drain?.hurry(),
      () => (this.drain ? this.root : undefined),
    );
    return this.theWaiters;
  }

  /** Queues a call whose caller waits until it is committed - or runs it at once, if the holder is here and idle. */
  async submit(call: Call): Promise<Appended | undefined> {
    const deferred = this.drain?.accepts() ? this.producer.defer(call) : undefined;
    if (!deferred) return this.producer.append({ call });
    this.drain?.start(deferred);
    return deferred.settled;
  }

  /** The waiters, if anybody ever waited. */
  get waitersIfAny(): Waiters | undefined {
    return this.theWaiters;
  }
}
