import type { UpdateContext } from '../component/context.js';
import { type Definition, findUpdate, type UpdateDefinition } from '../component/definition.js';
import { MotionError } from '../errors.js';
import type { Turn, UpdatePolicy, UpdateRunner } from '../queue/context.js';
import { type Changes, decodeChanges, WRITE_STATE } from '../state/records.js';
import { deepFreeze } from '../state/values.js';
import type { Settings } from './options.js';
import { changesOf } from './patch.js';
import { decodePayload } from './payload.js';
import { bounded } from './timeout.js';

/** The component that an instance belongs to, as the runtime holds it. */
export interface RegisteredComponent {
  readonly definition: Definition;
  /** One object serves all instances: what it needs is on `this`, what it knows in the state. */
  readonly component: Readonly<Record<PropertyKey, unknown>>;
}

type Method = (...args: unknown[]) => unknown;

/** Looked up at every call, so that an override in a subclass, or on the object itself, is used. */
export function methodOf({ component }: RegisteredComponent, name: PropertyKey): Method {
  return component[name] as Method;
}

/** Runs one component's update methods, for one instance. */
export class ComponentRunner implements UpdateRunner {
  private readonly registered: RegisteredComponent;
  private readonly settings: Settings;
  private readonly instanceId: string;
  private readonly what: string;

  constructor(registered: RegisteredComponent, settings: Settings, instanceId: string, what: string) {
    this.registered = registered;
    this.settings = settings;
    this.instanceId = instanceId;
    this.what = what;
  }

  policy(flow: string, update: string): UpdatePolicy {
    const found = update === WRITE_STATE ? undefined : findUpdate(this.registered.definition, flow, update);
    const { retry } = this.settings;
    return {
      attempts: found?.retry?.attempts ?? retry.attempts,
      backoffMs: found?.retry?.backoffMs ?? retry.backoffMs,
      maxBackoffMs: found?.retry?.maxBackoffMs ?? retry.maxBackoffMs,
      discardAfterMs: found?.discard?.afterMs,
      discardAfterUpdates: found?.discard?.afterUpdates,
    };
  }

  run(turn: Turn, state: Readonly<Record<string, unknown>>): Changes | Promise<Changes> {
    if (turn.update === WRITE_STATE)
      return decodeChanges(turn.call.payload, `a writeState in the queue of ${this.what}`);
    const update = findUpdate(this.registered.definition, turn.flow, turn.update);
    if (!update)
      throw new MotionError(
        'UNKNOWN_UPDATE',
        `${this.what}: the class has no update '${turn.update}' of flow '${turn.flow}', but one is queued: deploy the method again (or give another the option name: '${turn.update}'), then redrive it`,
      );
    const props = this.propsOf(turn);
    const what = `update '${turn.update}' of flow '${turn.flow}' of ${this.what}`;
    const { timeoutMs } = update;
    if (timeoutMs !== undefined)
      return bounded({ env: this.settings.env, timeoutMs, signal: turn.cancellation.signal, what }, (signal) =>
        this.call(update, turn, state, props, signal),
      ).then((patch) => this.changesOf(patch, what));
    const patch = this.call(update, turn, state, props, undefined);
    return isThenable(patch)
      ? Promise.resolve(patch).then((settled) => this.changesOf(settled, what))
      : this.changesOf(patch, what);
  }

  private call(
    update: UpdateDefinition,
    turn: Turn,
    state: Readonly<Record<string, unknown>>,
    props: unknown,
    signal: AbortSignal | undefined,
  ): unknown {
    const { cancellation } = turn;
    let own = signal;
    const context: UpdateContext = {
      instanceId: this.instanceId,
      componentName: this.registered.definition.name,
      flow: turn.flow,
      // Of its own: the holder's lives long, and would gather the listeners of all updates.
      get signal() {
        own ??= AbortSignal.any([cancellation.signal]);
        return own;
      },
      updateId: turn.id,
      epoch: turn.epoch,
      attempt: turn.attempt,
    };
    return methodOf(this.registered, update.method).call(this.registered.component, state, props, context);
  }

  private propsOf({ call }: Turn): unknown {
    const { props, serveResult, passed } = decodePayload(call.payload, this.settings.codec, this.what);
    const all = passed === undefined ? { ...props, serveResult } : { ...props, serveResult, passed };
    deepFreeze(all);
    return all;
  }

  private changesOf(patch: unknown, what: string): Changes {
    return changesOf(patch, this.settings.codec, what, mostKeys(this.settings));
  }
}

/** State keys that one commit can change, beside what the queue writes itself. */
export function mostKeys({ store }: Settings): number {
  return store.limits.commitOps - 10;
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
