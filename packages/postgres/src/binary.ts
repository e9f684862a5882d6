const TEXT = 25;
const BYTEA = 17;
/** Dimensions, flags, type of the elements; then length and lower bound of the one dimension. */
const HEADER = 20;

/**
 * An array of ASCII texts in PostgreSQL's binary format. pg sends a Buffer as it is; an array it would write out as a
 * literal, with every byte of a value as two hexadecimal digits.
 */
export function textArray(texts: readonly (string | null)[]): Buffer {
  let size = HEADER;
  for (const text of texts) size += 4 + (text?.length ?? 0);
  const buffer = header(size, texts.length, TEXT);
  let at = HEADER;
  for (const text of texts)
    if (text === null) {
      buffer.writeInt32BE(1, 4);
      at = buffer.writeInt32BE(-1, at);
    } else {
      at = buffer.writeInt32BE(text.length, at);
      at += buffer.write(text, at, 'latin1');
    }
  return buffer;
}

/** An array of byte arrays in PostgreSQL's binary format. */
export function byteaArray(values: readonly Uint8Array[]): Buffer {
  let size = HEADER;
  for (const value of values) size += 4 + value.byteLength;
  const buffer = header(size, values.length, BYTEA);
  let at = HEADER;
  for (const value of values) {
    at = buffer.writeInt32BE(value.byteLength, at);
    buffer.set(value, at);
    at += value.byteLength;
  }
  return buffer;
}

/** An array of numbers or booleans as a literal, which is as short as its binary format. */
export function literalArray(items: readonly (number | boolean | null)[]): string {
  let literal = '';
  for (const item of items) literal += `${literal === '' ? '{' : ','}${item ?? 'NULL'}`;
  return literal === '' ? '{}' : `${literal}}`;
}

function header(size: number, length: number, type: number): Buffer {
  const buffer = Buffer.allocUnsafe(size);
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(0, 4);
  buffer.writeInt32BE(type, 8);
  buffer.writeInt32BE(length, 12);
  buffer.writeInt32BE(1, 16);
  return buffer;
}

/**
 * The bytes of a value that the server encoded in base64: pg decodes every result as text, and hexadecimal digits, the
 * default for bytea, are half as long again and take three times as long.
 */
export function decoded(base64: string): Uint8Array {
  const { buffer, byteOffset, byteLength } = Buffer.from(base64, 'base64');
  // A Buffer may share its memory with others, and its `slice` would not copy.
  return new Uint8Array(buffer, byteOffset, byteLength);
}
