import { isComponentClass } from '../component/component.js';
import type { ComponentClass } from '../component/declare.js';
import { type Definition, define } from '../component/definition.js';
import { MotionError } from '../errors.js';
import type { LoadedBatch } from '../queue/group.js';
import { parsePartition, partitionOf } from '../state/keys.js';
import { type OpenOptions, openOrCreate } from './create.js';
import { type Nudgeable, OpenedInstance } from './opened.js';
import type { Settings } from './options.js';
import type { RegisteredComponent } from './update-runner.js';

interface Registration extends Partial<RegisteredComponent> {
  readonly definition: Definition;
  readonly factory: () => object;
  component?: Readonly<Record<PropertyKey, unknown>>;
}

/** What all parts of one Motion share: its settings, the classes it has code for, the instances it has open. */
export class Host {
  readonly settings: Settings;
  readonly workers: Set<Nudgeable> = new Set();
  /** Set once nobody here runs updates any more: what who would wait for them is told. */
  ended: MotionError | undefined;
  private readonly registrations = new Map<string, Registration>();
  private readonly opened = new Map<string, OpenedInstance>();
  private readonly opening = new Map<string, Promise<OpenedInstance>>();

  constructor(settings: Settings) {
    this.settings = settings;
  }

  /** @throws MotionError `INVALID_COMPONENT`, `DUPLICATE_COMPONENT` */
  register(ctor: ComponentClass, factory?: () => object): Definition {
    if (!isComponentClass(ctor))
      throw new MotionError(
        'INVALID_COMPONENT',
        `${typeof ctor === 'function' ? (ctor as { name: string }).name : String(ctor)} does not extend Component`,
      );
    const definition = define(ctor);
    const known = this.registrations.get(definition.name);
    if (known && known.definition.ctor !== ctor)
      throw new MotionError(
        'DUPLICATE_COMPONENT',
        `two classes have the component name '${definition.name}': give one of them a static componentName`,
      );
    if (known && factory && known.component)
      throw new MotionError(
        'DUPLICATE_COMPONENT',
        `'${definition.name}' is in use already: register it before its first instance`,
      );
    if (!known || factory)
      this.registrations.set(definition.name, {
        definition,
        factory: factory ?? (() => new (ctor as new () => object)()),
      });
    return definition;
  }

  isRegistered(component: string): boolean {
    return this.registrations.has(component);
  }

  /** The class's one object. @throws MotionError `UNKNOWN_COMPONENT` when the class cannot be made without arguments */
  private registered(name: string): RegisteredComponent | undefined {
    const registration = this.registrations.get(name);
    if (!registration) return undefined;
    const { definition, factory } = registration;
    try {
      registration.component ??= factory() as Readonly<Record<PropertyKey, unknown>>;
    } catch (cause) {
      throw new MotionError(
        'UNKNOWN_COMPONENT',
        `${name} could not be made; if its constructor wants arguments: motion.register(${name}, () => new ${name}(...))`,
        { cause },
      );
    }
    if (!(registration.component instanceof (definition.ctor as unknown as new () => object)))
      throw new MotionError(
        'INVALID_COMPONENT',
        `the factory registered for ${name} gave something that is no ${name}`,
      );
    return { definition, component: registration.component };
  }

  /** Opens an instance for a handle, which must {@link release} it. One is made if need be. */
  async open(definition: Definition, id: string, options: OpenOptions): Promise<OpenedInstance> {
    const partition = partitionOf(definition.name, id);
    for (;;) {
      const known = this.opened.get(partition);
      if (known) {
        known.users++;
        try {
          await known.refresh();
          return known;
        } catch (error) {
          this.release(known);
          if (!MotionError.is(error, 'INSTANCE_GONE')) throw error;
          this.letGo(known);
          continue;
        }
      }
      const before = this.opening.get(partition);
      const opening = before ?? this.load(definition.name, id, partition, options);
      if (!before) {
        this.opening.set(partition, opening);
        const done = (): unknown => this.opening.delete(partition);
        opening.then(done, done);
      }
      const opened = await opening.catch((error) => {
        // The first caller's params may be what failed: this one has its own.
        if (before) return undefined;
        throw error;
      });
      if (!opened) continue;
      opened.users++;
      this.opened.set(partition, opened);
      return opened;
    }
  }

  private async load(name: string, id: string, partition: string, options: OpenOptions): Promise<OpenedInstance> {
    const opened = this.make(name, id, partition);
    await openOrCreate(opened, this.settings, options);
    // Work that was left by a process that died.
    const { committed, seq } = await opened.refresh();
    if (seq > committed.root.cursor) this.nudge(opened, seq, undefined);
    return opened;
  }

  /** An instance whose updates are to be run; undefined: this process has no code for it. */
  async openForWorker(partition: string): Promise<OpenedInstance | undefined> {
    const known = this.opened.get(partition);
    if (known) return known;
    const parsed = parsePartition(partition);
    if (!parsed || !this.isRegistered(parsed.component)) return undefined;
    const opened = this.make(parsed.component, parsed.id, partition);
    await opened.refresh();
    const meanwhile = this.opened.get(partition);
    if (meanwhile) return meanwhile;
    this.opened.set(partition, opened);
    return opened;
  }

  private make(name: string, id: string, partition: string): OpenedInstance {
    const registered = this.registered(name);
    if (!registered) throw new MotionError('UNKNOWN_COMPONENT', `no class is registered for '${name}'`);
    return new OpenedInstance(registered, id, partition, this.settings, (opened, seq, batch) =>
      this.nudge(opened, seq, batch),
    );
  }

  /** An instance to look at: not shared, not run, its class not made. */
  outside(definition: Definition, id: string): OpenedInstance {
    const registered = { definition, component: {} };
    return new OpenedInstance(registered, id, partitionOf(definition.name, id), this.settings, undefined);
  }

  /** Those who have it open find out themselves; whoever comes next loads the instance anew. */
  letGo(opened: OpenedInstance): boolean {
    return this.opened.get(opened.partition) === opened && this.opened.delete(opened.partition);
  }

  /** What this process holds of an instance, if anything. */
  held(partition: string): OpenedInstance | undefined {
    return this.opened.get(partition);
  }

  /** An instance was cleared. Somebody may have made it anew since, and this process may hold that by now. */
  forget(opened: OpenedInstance): void {
    this.letGo(opened);
    opened.waitersIfAny?.fail(new MotionError('INSTANCE_GONE', `${opened.what} was cleared`));
  }

  /** Nobody here will settle what they wait for. */
  failWaiters(error: MotionError): void {
    this.ended = error;
    for (const opened of this.opened.values()) opened.waitersIfAny?.fail(error);
  }

  private nudge(opened: OpenedInstance, seq: number, batch: LoadedBatch | undefined): void {
    for (const worker of this.workers) worker.nudge(opened, seq, batch);
  }

  /** One user less; an instance without users is forgotten. */
  release(opened: OpenedInstance): void {
    opened.users--;
    if (opened.users <= 0) this.letGo(opened);
  }
}
