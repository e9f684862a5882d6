/** Where the decorators put what they learn, and how it is read back. Works for every decorator transform. */

import { MotionError } from '../errors.js';

// Transforms give `context.metadata` only where this symbol exists when the class is made.
(Symbol as { metadata?: symbol }).metadata ??= Symbol.for('Symbol.metadata');
const METADATA: symbol = (Symbol as unknown as { metadata: symbol }).metadata;

/** Registered, so that two copies of this package share what they find. */
const ENTRIES: unique symbol = Symbol.for('@motion-ts/core:entries') as never;

/** Which decorator. */
export type Kind = 'init' | 'serve' | 'update';

/** What a decorator was called with: nothing of it is checked yet. */
export interface Recorded {
  readonly kind: Kind;
  readonly flows: unknown;
  readonly options: unknown;
}

/** One decorator on one member of one class. */
export interface Entry extends Recorded {
  readonly method: string | symbol;
  /** Why the member cannot be decorated. Kept, not thrown: a class reports all that is wrong with it at once. */
  readonly misuse?: string;
}

interface Holder {
  [ENTRIES]?: Entry[];
}

interface StandardContext {
  readonly kind: string;
  readonly name: string | symbol;
  readonly static: boolean;
  readonly private: boolean;
  readonly metadata?: object;
}

/** The run-time half of every decorator, for both call conventions. */
export function record(recorded: Recorded, args: readonly unknown[]): void {
  const [target, at] = args;
  if (typeof at === 'object' && at !== null && 'kind' in at) recordStandard(recorded, target, at as StandardContext);
  else recordLegacy(recorded, target, at as string | symbol, args[2] as PropertyDescriptor | undefined);
}

function recordStandard(recorded: Recorded, method: unknown, context: StandardContext): void {
  const misuse =
    context.kind !== 'method'
      ? `it is a ${context.kind}`
      : context.static
        ? 'it is static'
        : context.private
          ? 'it is private (#)'
          : undefined;
  // By class where the transform gives metadata, else on the method itself.
  const holder = context.metadata ?? method;
  if (typeof holder === 'object' && holder !== null) add(holder, recorded, context.name, misuse);
  else if (typeof holder === 'function' && !misuse) add(holder, recorded, context.name, misuse);
  else
    throw new MotionError('INVALID_COMPONENT', `${String(context.name)} cannot be decorated: ${misuse ?? 'no method'}`);
}

function recordLegacy(recorded: Recorded, target: unknown, name: string | symbol, found?: PropertyDescriptor): void {
  if (typeof target === 'function') add(target, recorded, name, 'it is static');
  else if (typeof found?.value === 'function') add(target as object, recorded, name);
  else add(target as object, recorded, name, found?.get || found?.set ? 'it is an accessor' : 'it is a field');
}

function add(holder: object, recorded: Recorded, method: string | symbol, misuse?: string): void {
  // Own: the metadata of a class inherits from that of its base.
  if (!Object.hasOwn(holder, ENTRIES)) Object.defineProperty(holder, ENTRIES, { value: [] });
  (holder as Holder)[ENTRIES]?.push({ ...recorded, method, ...(misuse && { misuse }) });
}

/** The entries that one class declares itself, in the order of its members. */
export function declaredBy(ctor: abstract new (...args: never) => object): readonly Entry[] {
  const prototype = ctor.prototype as object;
  const holders = new Set<unknown>([
    prototype, // experimentalDecorators
    ctor, // the same, static members
    Object.getOwnPropertyDescriptor(ctor, METADATA)?.value, // own only: not every transform chains it to the base's
    ...Reflect.ownKeys(prototype).map((key) => Object.getOwnPropertyDescriptor(prototype, key)?.value), // no metadata
  ]);
  const found: Entry[] = [];
  for (const holder of holders) {
    if ((typeof holder !== 'object' || holder === null) && typeof holder !== 'function') continue;
    // `constructor` is among the prototype's keys, hence the set.
    if (Object.hasOwn(holder, ENTRIES)) found.push(...((holder as Holder)[ENTRIES] ?? []));
  }
  return found;
}
