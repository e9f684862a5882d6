/**
 * One text for all values that are equal, and another for each that differs: the order of an object's keys does not
 * count, the type of a value does. For keys of the result cache; the value must be serialisable.
 */
export function canonical(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return Object.is(value, -0) ? '0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'object':
      return value === null ? 'null' : object(value);
    default:
      return String(value);
  }
}

function object(value: object): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (value instanceof Map)
    return `Map(${[...value].map(([key, item]) => `${canonical(key)}:${canonical(item)}`).join()})`;
  if (value instanceof Set) return `Set(${[...value].map(canonical).join()})`;
  const name = value.constructor?.name ?? 'Object';
  if (value instanceof ArrayBuffer) return `ArrayBuffer(${hex(new Uint8Array(value))})`;
  if (ArrayBuffer.isView(value))
    return `${name === 'Buffer' ? 'Uint8Array' : name}(${hex(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))})`;
  const entries = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`)
    .join();
  if (value instanceof RegExp) return `RegExp(${value})`;
  return name === 'Object' ? `{${entries}}` : `${name}{${entries}}`;
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
