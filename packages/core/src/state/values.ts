import { MotionError } from '../errors.js';

type Class = abstract new (...args: never) => unknown;

/** Built-in classes that the codec brings back as they were and that hold no further values. */
const LEAVES: ReadonlySet<unknown> = new Set<Class>([
  Date,
  RegExp,
  ArrayBuffer,
  DataView,
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
]);

/** Whoever walks a value recursively, here and in the codec, must not run out of stack. */
const DEEPEST = 500;

/** What is wrong with a value, and the way to it: filled in from the inside out, so that a good value costs no paths. */
interface Problem {
  path: string;
  readonly what: string;
  readonly remedy: string;
}

/**
 * Throws unless the codec brings this value back as it is. One walk, before a byte is written.
 *
 * @param value anything
 * @param name what the value is called in the message
 * @param classes the classes that the codec has extensions for
 * @throws MotionError `NOT_SERIALIZABLE`, with the path of the offending value
 */
export function assertSerializable(value: unknown, name: string, classes: ReadonlySet<unknown>): void {
  let found: Problem | undefined;
  try {
    found = find(value, classes, []);
  } catch (cause) {
    throw unreadable(name, cause);
  }
  if (!found) return;
  const { path, what, remedy } = found;
  throw new MotionError('NOT_SERIALIZABLE', `${name}${path} ${what}, which cannot be stored: ${remedy}`);
}

/** What to say of a value that throws when it is looked at. */
export function unreadable(name: string, cause: unknown): MotionError {
  return new MotionError('NOT_SERIALIZABLE', `${name} cannot be read: a getter in it, or a proxy, throws`, { cause });
}

function problem(what: string, remedy: string): Problem {
  return { path: '', what, remedy };
}

function at(segment: string, inner: Problem | undefined): Problem | undefined {
  if (inner) inner.path = segment + inner.path;
  return inner;
}

/** How one member is written in a path: `.title`, `["my key"]`. */
function member(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function find(value: unknown, classes: ReadonlySet<unknown>, above: object[]): Problem | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed()
        ? undefined
        : problem('is a string with a lone surrogate', 'clean it with toWellFormed()');
    case 'function':
      return problem('is a function', 'keep what methods need on the component itself');
    case 'symbol':
      return problem('is a symbol', 'use a string');
    case 'object':
      return value === null ? undefined : findIn(value, classes, above);
    default:
      return undefined;
  }
}

function findIn(value: object, classes: ReadonlySet<unknown>, above: object[]): Problem | undefined {
  if (above.length > DEEPEST) return problem(`is nested deeper than ${DEEPEST} levels`, 'store a flat list instead');
  if (above.includes(value)) return problem('refers back to an object that holds it', 'store an id instead');
  above.push(value);
  const found = findInside(value, classes, above);
  above.pop();
  return found;
}

function findInside(value: object, classes: ReadonlySet<unknown>, above: object[]): Problem | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Array.prototype) return findInArray(value as unknown[], classes, above);
  if (prototype === Object.prototype || prototype === null) return findInObject(value, classes, above);
  if (prototype === Map.prototype) return findInMap(value as Map<unknown, unknown>, classes, above);
  if (prototype === Set.prototype) return findInSet(value as Set<unknown>, classes, above);
  const made = (prototype as { constructor?: unknown }).constructor;
  const name = typeof made === 'function' ? made.name : '?';
  // Of another realm, as test runners make them.
  if (Array.isArray(value) && name === 'Array') return findInArray(value, classes, above);
  // A Buffer comes back as the Uint8Array that it is.
  if (LEAVES.has(made) || classes.has(made) || name === 'Buffer') return undefined;
  return problem(`is a ${name}`, 'return plain data, or give the codec an extension for the class');
}

function findInArray(value: unknown[], classes: ReadonlySet<unknown>, above: object[]): Problem | undefined {
  for (let i = 0; i < value.length; i++) {
    if (value[i] === undefined && !(i in value)) return at(`[${i}]`, problem('is a hole in an array', 'store null'));
    const found = find(value[i], classes, above);
    if (found) return at(`[${i}]`, found);
  }
  if (Object.keys(value).length !== value.length) return problem('is an array with named properties', 'use an object');
  return undefined;
}

function findInObject(value: object, classes: ReadonlySet<unknown>, above: object[]): Problem | undefined {
  for (const key of Reflect.ownKeys(value)) {
    if (typeof key === 'symbol') return problem(`has the symbol ${String(key)} as a key`, 'use a string');
    if (key === '__proto__') return at(member(key), problem('is a reserved name', 'use another key'));
    if (!key.isWellFormed()) return at(member(key), problem('is a key with a lone surrogate', 'use another'));
    const found = find((value as Record<string, unknown>)[key], classes, above);
    if (found) return at(member(key), found);
  }
  return undefined;
}

function findInMap(value: Map<unknown, unknown>, classes: ReadonlySet<unknown>, above: object[]): Problem | undefined {
  let n = 0;
  for (const [key, item] of value) {
    const found =
      at(`.keys()[${n}]`, find(key, classes, above)) ??
      at(typeof key === 'string' ? `.get(${JSON.stringify(key)})` : `.values()[${n}]`, find(item, classes, above));
    if (found) return found;
    n++;
  }
  return undefined;
}

function findInSet(value: Set<unknown>, classes: ReadonlySet<unknown>, above: object[]): Problem | undefined {
  let n = 0;
  for (const item of value) {
    const found = at(`.values()[${n++}]`, find(item, classes, above));
    if (found) return found;
  }
  return undefined;
}

const readOnly = (name: string) => (): never => {
  throw new TypeError(`${name} is read-only here: return the changed keys from an @Update method instead`);
};
const lock = (target: object, what: string, methods: readonly string[]): void => {
  for (const method of methods) Object.defineProperty(target, method, { value: readOnly(what) });
};
const DATE_SETTERS: readonly string[] = Object.getOwnPropertyNames(Date.prototype).filter((name) =>
  name.startsWith('set'),
);

/**
 * Freezes a value through and through: writing to it throws. Bytes are the exception - no typed array can be frozen - so
 * it says whether there are any.
 *
 * @param value a value of ours, as decoded: never the caller's own object
 * @returns whether it holds an ArrayBuffer or a view of one
 */
export function deepFreeze(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return true;
  let bytes = false;
  if (Array.isArray(value)) {
    for (const item of value) if (deepFreeze(item)) bytes = true;
  } else if (value instanceof Map) {
    for (const [key, item] of value) {
      if (deepFreeze(key)) bytes = true;
      if (deepFreeze(item)) bytes = true;
    }
    lock(value, 'this Map', ['set', 'delete', 'clear']);
  } else if (value instanceof Set) {
    for (const item of value) if (deepFreeze(item)) bytes = true;
    lock(value, 'this Set', ['add', 'delete', 'clear']);
  } else if (value instanceof Date) lock(value, 'this Date', DATE_SETTERS);
  else for (const key of Object.keys(value)) if (deepFreeze((value as Record<string, unknown>)[key])) bytes = true;
  Object.freeze(value);
  return bytes;
}
