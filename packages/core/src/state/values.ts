import { MotionError } from '../errors.js';

/** Says where in a value something stands, for messages: `state.books[3].title`. */
export function joinPath(path: string, key: PropertyKey): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  if (path === '') return String(key);
  return /^[A-Za-z_$][\w$]*$/.test(String(key)) ? `${path}.${String(key)}` : `${path}[${JSON.stringify(String(key))}]`;
}

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

/**
 * Throws unless the codec brings this value back as it is. One walk, before a byte is written.
 *
 * @param value anything
 * @param path what the value is called in the message
 * @param classes the classes that the codec has extensions for
 * @throws MotionError `NOT_SERIALIZABLE`, with the path of the offending value
 */
export function assertSerializable(value: unknown, path: string, classes: ReadonlySet<unknown>): void {
  walk(value, path, classes, new Set());
}

function walk(value: unknown, path: string, classes: ReadonlySet<unknown>, above: Set<object>): void {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) refuse(path, 'is a string with a lone surrogate', 'clean it with toWellFormed()');
      return;
    case 'function':
      return refuse(path, 'is a function', 'keep what methods need on the component itself');
    case 'symbol':
      return refuse(path, 'is a symbol', 'use a string');
    case 'object':
      if (value !== null) return walkObject(value, path, classes, above);
  }
}

function walkObject(value: object, path: string, classes: ReadonlySet<unknown>, above: Set<object>): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (above.has(value)) refuse(path, 'refers back to an object that holds it', 'store an id instead');
  above.add(value);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (!(i in value)) refuse(joinPath(path, i), 'is a hole in an array', 'store null');
      walk(value[i], joinPath(path, i), classes, above);
    }
    if (Object.keys(value).length !== value.length) refuse(path, 'is an array with named properties', 'use an object');
  } else if (prototype === Object.prototype || prototype === null) {
    for (const key of Reflect.ownKeys(value)) {
      if (typeof key === 'symbol') refuse(path, `has the symbol ${String(key)} as a key`, 'use a string');
      if (key === '__proto__') refuse(joinPath(path, key), 'is a reserved name', 'use another key');
      if (!(key as string).isWellFormed()) refuse(joinPath(path, key), 'is a key with a lone surrogate', 'use another');
      walk((value as Record<PropertyKey, unknown>)[key], joinPath(path, key), classes, above);
    }
  } else if (prototype === Map.prototype) {
    let n = 0;
    for (const [key, item] of value as Map<unknown, unknown>) {
      walk(key, `${path}.keys()[${n}]`, classes, above);
      walk(
        item,
        typeof key === 'string' ? `${path}.get(${JSON.stringify(key)})` : `${path}.values()[${n}]`,
        classes,
        above,
      );
      n++;
    }
  } else if (prototype === Set.prototype) {
    let n = 0;
    for (const item of value as Set<unknown>) walk(item, `${path}.values()[${n++}]`, classes, above);
  } else {
    const made = (prototype as { constructor?: unknown }).constructor;
    const name = typeof made === 'function' ? made.name : '?';
    // A Buffer comes back as the Uint8Array that it is.
    if (!LEAVES.has(made) && !classes.has(made) && name !== 'Buffer')
      refuse(path, `is a ${name}`, 'return plain data, or give the codec an extension for the class');
  }
  above.delete(value);
}

function refuse(path: string, what: string, remedy: string): never {
  throw new MotionError('NOT_SERIALIZABLE', `${path} ${what}, which cannot be stored: ${remedy}`);
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
  if (Object.isFrozen(value) && Reflect.ownKeys(value).length === 0 && !(value instanceof Map || value instanceof Set))
    return false;
  let bytes = false;
  if (value instanceof Map) {
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
