import type { Process } from '../world.js';
import { type Inside, runInside } from './inside.js';

/** A component's method under way. */
export interface Running {
  readonly process: Process;
  /** Such as `update 'learn' of BookRecommender/user-1`. */
  readonly what: string;
  /** Set for updates. */
  readonly updateId: string | undefined;
  readonly since: number;
}

/** What core gives a method as its third argument, as far as it matters here. */
interface Given {
  readonly instanceId: string;
  readonly componentName: string;
  readonly updateId?: string;
}

/** Processes that one update may take with it: fewer than those after which core takes it for what kills them. */
const MOST_DEATHS = 3;

/** Knows which methods of the users' components are under way, in all processes. */
export class Methods {
  readonly running: Set<Running> = new Set();
  /** How often updates were begun, and how often that was not for the first time. */
  readonly counts = { ran: 0, ranAgain: 0 };
  private readonly begun = new Set<string>();
  private readonly deaths = new Map<string, number>();

  /** Whether a process may be killed without that what it runs is taken for poison. */
  mayDie(process: Process): boolean {
    return this.updatesIn(process).every((id) => (this.deaths.get(id) ?? 0) < MOST_DEATHS);
  }

  died(process: Process): void {
    for (const id of this.updatesIn(process)) this.deaths.set(id, (this.deaths.get(id) ?? 0) + 1);
    for (const each of this.running) if (each.process === process) this.running.delete(each);
  }

  private updatesIn(process: Process): string[] {
    return [...this.running].flatMap((each) =>
      each.process === process && each.updateId !== undefined ? [each.updateId] : [],
    );
  }

  /** The component as core shall hold it: its methods are noted while they run. */
  watched<C extends object>(component: C, inside: Inside): C {
    const proxy: C = new Proxy(component, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function' || key === 'constructor') return value;
        // With the object itself as `this`: private members know no proxy.
        return (...args: unknown[]): unknown => this.call(target, key, value as Method, args, inside);
      },
    });
    return proxy;
  }

  private call(component: object, key: PropertyKey, method: Method, args: unknown[], inside: Inside): unknown {
    const given = args[2] as Partial<Given> | undefined;
    const isUpdate = given?.updateId !== undefined;
    const where = given?.instanceId === undefined ? component.constructor.name : nameOf(given as Given);
    const what = `${isUpdate ? 'update' : 'method'} '${String(key)}' of ${where}`;
    const { process } = inside;
    const running: Running = { process, what, updateId: given?.updateId, since: process.world.now };
    const step = <T>(work: () => T): T => {
      this.running.add(running);
      const result = runInside({ ...inside, doing: what }, () => {
        try {
          return work();
        } catch (error) {
          this.running.delete(running);
          throw error;
        }
      });
      if (isThenable(result)) {
        const over = (): unknown => this.running.delete(running);
        result.then(over, over);
      } else this.running.delete(running);
      return result;
    };
    if (given?.updateId !== undefined) this.countRun(given.updateId);
    const result = step(() => method.apply(component, args));
    return isIterator(result) ? steps(result, step) : result;
  }

  private countRun(updateId: string): void {
    this.counts.ran++;
    if (this.begun.has(updateId)) this.counts.ranAgain++;
    this.begun.add(updateId);
  }
}

type Method = (...args: unknown[]) => unknown;
type Steps = AsyncIterator<unknown, unknown> | Iterator<unknown, unknown>;

/** A generator whose steps are noted one by one: between them, it is its reader who takes the time. */
function steps(inner: Steps, step: <T>(work: () => T) => T): object {
  return {
    next: (value: unknown) => step(() => inner.next(value)),
    return: (value: unknown) => step(() => inner.return?.(value as never) ?? { done: true, value }),
    throw: (error: unknown) => step(() => inner.throw?.(error)),
    [Symbol.asyncIterator](): object {
      return this;
    },
  };
}

const nameOf = ({ componentName, instanceId }: Given): string => `${componentName}/${instanceId}`;

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}

function isIterator(value: unknown): value is Steps {
  return typeof value === 'object' && value !== null && typeof (value as { next?: unknown }).next === 'function';
}
