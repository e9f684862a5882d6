import type { AnyComponent, ComponentClass } from '../component/declare.js';
import { define } from '../component/definition.js';
import { MotionError } from '../errors.js';
import { assertOptionNames, type OptionNames } from '../option-names.js';
import { partitionOf } from '../state/keys.js';
import type { Inspection, Instance, InstanceArgs } from './api.js';
import { clearInstance } from './clear.js';
import type { OpenOptions } from './create.js';
import { Host } from './host.js';
import { inspectInstance, instanceIds } from './inspect.js';
import { InstanceHandle, typedHandle } from './instance.js';
import { type MotionOptions, settingsOf } from './options.js';
import { UpdateWorker } from './worker.js';

/** Options of {@link Motion.worker}. */
export interface WorkerOptions {
  /** Classes whose updates to run. Default: all that are registered. */
  readonly components?: readonly ComponentClass[];
  /** This worker's part of the instances: number `index`, from 0, of `of` workers. Default: all. */
  readonly shard?: readonly [index: number, of: number];
  /** Instances whose updates run at the same time. Default: 256. */
  readonly concurrency?: number;
}

/** Options of closing. */
export interface CloseOptions {
  /** Tell running updates to give up, by their `ctx.signal`, instead of waiting for them: they run again later. Default: false. */
  readonly abortRunning?: boolean;
}

const OPEN_NAMES: OptionNames<OpenOptions> = { init: true, existing: true };
const CLOSE_NAMES: OptionNames<CloseOptions> = { abortRunning: true };
const WORKER_NAMES: OptionNames<WorkerOptions> = { components: true, shard: true, concurrency: true };

/** A worker under way. */
export interface Worker {
  /** Takes nothing new, finishes the updates that run, and gives the instances to others. */
  close(options?: CloseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const CONCURRENCY = 256;

/**
 * The entry: components on a store. A process needs one for each store.
 *
 * @example
 * await using motion = new Motion({ store: new SqliteStore({ path: 'motion.db' }) });
 * motion.register(BookRecommender, () => new BookRecommender(llm));
 * const rec = await motion.instance(BookRecommender, 'user-1', { init: { likedBooks: ['Emma'] } });
 * const title = await rec.run('rec', { genre: 'fantasy' });
 */
export class Motion {
  private readonly host: Host;
  private readonly handles = new Set<InstanceHandle>();
  private background: UpdateWorker | undefined;
  private closing: Promise<void> | undefined;

  /** @throws MotionError `INVALID_OPTIONS` */
  constructor(options: MotionOptions) {
    this.host = new Host(settingsOf(options));
  }

  /**
   * Makes a class known: its queued updates can run here from now on. A class whose constructor wants nothing is known
   * from its first `instance` on, without this.
   *
   * @param component the class
   * @param factory makes its one object, at first use. Default: `new component()`
   * @throws MotionError `INVALID_COMPONENT` with all that is wrong with the class, `DUPLICATE_COMPONENT`, `CLOSED`
   */
  register<C extends AnyComponent>(component: ComponentClass<C>, factory?: () => C): this {
    this.assertOpen();
    this.host.register(component, factory as (() => object) | undefined);
    this.startBackground();
    return this;
  }

  /**
   * Opens an instance, making it first if it does not exist: that happens once, however many processes do so at once.
   *
   * @param component the class
   * @param id the instance's name, any text. Default: a new one
   * @param options `init`: what the `@InitState` method gets; `existing`: never create
   * @throws MotionError `INVALID_OPTIONS`, `INVALID_COMPONENT`, `UNKNOWN_COMPONENT`, `INVALID_ID`, `NO_INIT_PARAMS`,
   *   `INVALID_PATCH`, `NOT_SERIALIZABLE`, `INSTANCE_GONE` (with `existing`), `INSTANCE_MOVED`, `CORRUPT`, `CLOSED`; what
   *   InitState throws; StoreError
   */
  async instance<C extends AnyComponent>(
    component: ComponentClass<C>,
    ...[id, options]: InstanceArgs<C>
  ): Promise<Instance<C>> {
    this.assertOpen();
    const definition = this.host.register(component);
    if (options) assertOptionNames(OPEN_NAMES, options, `${definition.name}/${typeof id === 'string' ? id : '(new)'}`);
    this.startBackground();
    const opened = await this.host.open(definition, id ?? this.host.settings.env.id(), options ?? {});
    const handle = new InstanceHandle(this.host, opened, (closed) => this.handles.delete(closed));
    this.handles.add(handle);
    if (this.closing) {
      await handle.close();
      this.assertOpen();
    }
    return typedHandle<C>(handle);
  }

  /** The ids of all instances of a component. One that is made or cleared meanwhile may or may not be among them. */
  instances(component: ComponentClass): AsyncIterable<string> {
    this.assertOpen();
    return instanceIds(this.host.settings, define(component).name);
  }

  /**
   * Looks at an instance from outside: opens nothing, runs nothing. Reads the whole queue to count it.
   *
   * @throws MotionError `INSTANCE_GONE`, `INVALID_ID`, `CORRUPT`, `CLOSED`; StoreError
   */
  async inspect<C extends AnyComponent>(component: ComponentClass<C>, id: string): Promise<Inspection<C>> {
    this.assertOpen();
    const inspected = await inspectInstance(this.host.outside(define(component), id));
    return inspected as Inspection<C>;
  }

  /**
   * Removes an instance with everything: its state, what is queued, dead letters, cached results. Those who have it open
   * get `INSTANCE_GONE`. Of an instance that moved to another store it removes what stayed here.
   *
   * @returns whether there was one
   * @throws MotionError `INVALID_ID`, `CLOSED`; StoreError
   */
  async clear(component: ComponentClass, id: string): Promise<boolean> {
    this.assertOpen();
    const { store, env, queue } = this.host.settings;
    const partition = partitionOf(define(component).name, id);
    const held = this.host.held(partition);
    const existed = await clearInstance({ store, env, options: queue, partition });
    if (held) this.host.forget(held);
    return existed;
  }

  /**
   * Runs queued updates of any instance, also of those that no process has open. Starts at once. With
   * `updates: 'background'` a Motion has such a worker of its own.
   *
   * @throws MotionError `INVALID_OPTIONS`, `INVALID_COMPONENT`, `CLOSED`
   */
  worker(options: WorkerOptions = {}): Worker {
    this.assertOpen();
    assertOptionNames(WORKER_NAMES, options, 'a worker');
    const { components, shard, concurrency = CONCURRENCY } = options;
    if (!Number.isSafeInteger(concurrency) || concurrency < 1)
      throw invalid(`the option 'concurrency' of a worker must be a whole number from 1, not ${concurrency}`);
    if (shard && !(shard.length === 2 && shard.every(Number.isSafeInteger) && shard[0] >= 0 && shard[0] < shard[1]))
      throw invalid(
        `the option 'shard' of a worker must be [index, of] with 0 <= index < of, not ${JSON.stringify(shard)}`,
      );
    const names = components && new Set(components.map((component) => this.host.register(component).name));
    const worker = new UpdateWorker(this.host, { components: names, shard, concurrency });
    this.host.workers.add(worker);
    worker.start();
    const close = async (how: CloseOptions = {}): Promise<void> => {
      assertOptionNames(CLOSE_NAMES, how, 'close() of a worker');
      await worker.close(how.abortRunning ?? false);
      this.host.workers.delete(worker);
    };
    return { close, [Symbol.asyncDispose]: () => close() };
  }

  /**
   * Ends it in good order: no new calls, calls under way are finished, the updates that run are finished and committed,
   * leases are given back, the store is closed. What is still queued stays there, for another process or the next start;
   * who waited for it gets `CLOSED`.
   *
   * @throws MotionError `INVALID_OPTIONS`: nothing is closed
   */
  async close(options: CloseOptions = {}): Promise<void> {
    assertOptionNames(CLOSE_NAMES, options, 'close() of a Motion');
    this.closing ??= this.end(options.abortRunning ?? false);
    await this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async end(abortRunning: boolean): Promise<void> {
    const { store, closeStore } = this.host.settings;
    const closed = [...this.handles].map((handle) => handle.close());
    const workers = [...this.host.workers];
    this.host.workers.clear();
    await Promise.all(workers.map((worker) => worker.close(abortRunning)));
    this.host.failWaiters(new MotionError('CLOSED', 'the Motion was closed; the updates stay queued'));
    await Promise.all(closed);
    if (closeStore) await store.close();
  }

  private startBackground(): void {
    if (this.background || !this.host.settings.background) return;
    this.background = new UpdateWorker(this.host, {
      components: undefined,
      shard: undefined,
      concurrency: CONCURRENCY,
    });
    this.host.workers.add(this.background);
    this.background.start();
  }

  private assertOpen(): void {
    if (this.closing) throw new MotionError('CLOSED', 'this Motion is closed; make a new one');
  }
}

function invalid(message: string): MotionError {
  return new MotionError('INVALID_OPTIONS', message);
}
