import type { Codec } from './codec.js';

/**
 * One text for all values that are equal, and another for each that differs: the order of an object's keys does not
 * count, the type of a value does. For keys of the result cache; the value must be serialisable.
 *
 * @param codec tells instances of its extension classes apart: what they hold may be private
 */
export function canonical(value: unknown, codec: Codec): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return Object.is(value, -0) ? '0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'object':
      return value === null ? 'null' : object(value, codec);
    default:
      return String(value);
  }
}

function object(value: object, codec: Codec): string {
  const text = (item: unknown): string => canonical(item, codec);
  if (Array.isArray(value)) return `[${value.map(text).join()}]`;
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (value instanceof Map) return `Map(${[...value].map(([key, item]) => `${text(key)}:${text(item)}`).join()})`;
  if (value instanceof Set) return `Set(${[...value].map(text).join()})`;
  if (value instanceof RegExp) return `RegExp(${value})`;
  if (value instanceof ArrayBuffer) return `ArrayBuffer(${hex(new Uint8Array(value))})`;
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null;
  const name = String(prototype?.constructor?.name ?? 'Object');
  if (ArrayBuffer.isView(value))
    return `${name === 'Buffer' ? 'Uint8Array' : name}(${hex(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))})`;
  if (name !== 'Object') return `${name}(${hex(codec.encode(value, name))})`;
  const entries = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${text(item)}`);
  return `{${entries.join()}}`;
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
