import { addExtension, Packr } from 'msgpackr';
import { MotionError } from '../errors.js';
import { assertSerializable, unreadable } from './values.js';

/** Turns values into bytes and back. What is decoded must equal what was encoded, and share nothing with it. */
export interface Codec {
  /** Stored with every instance: one that was written with another codec is refused when it is opened. */
  readonly name: string;
  /**
   * @param path what the value is called in messages, such as `state.genres`
   * @throws MotionError `NOT_SERIALIZABLE`, with the path, for a value that would not come back as it is
   */
  encode(value: unknown, path: string): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/** How the instances of one class are stored. */
export interface CodecExtension<T = never> {
  /** 1 to 100, and the same for ever: it is what the store holds. */
  readonly type: number;
  readonly class: abstract new (...args: never) => T;
  /** Gives plain data. */
  encode(value: T): unknown;
  /** Makes the instance again. */
  decode(data: unknown): T;
}

/**
 * The default codec: MessagePack (the library msgpackr) with all JSON values, `undefined`, Date, Map, Set, BigInt, RegExp,
 * ArrayBuffer and typed arrays. A Buffer comes back as a Uint8Array, -0 as 0.
 *
 * @param options `extensions` for classes of your own. They are registered for the whole process, as msgpackr does it.
 * @throws MotionError `INVALID_OPTIONS` for a type number out of range or given to two classes
 * @example
 * class Money { constructor(readonly cents: bigint) {} }
 * const codec = msgpackCodec({
 *   extensions: [{ type: 1, class: Money, encode: (m: Money) => m.cents, decode: (cents) => new Money(cents as bigint) }],
 * });
 * new Motion({ store, codec });
 */
// biome-ignore lint/suspicious/noExplicitAny: a list of extensions of different classes has no other common type
export function msgpackCodec(options: { readonly extensions?: readonly CodecExtension<any>[] } = {}): Codec {
  const classes = new Set<unknown>();
  for (const extension of options.extensions ?? []) {
    register(extension);
    classes.add(extension.class);
  }
  const packr = new Packr({ moreTypes: true, useBigIntExtension: true, copyBuffers: true, useToJSON: false });
  return {
    name: 'msgpack',
    encode(value, path) {
      assertSerializable(value, path, classes);
      try {
        return packr.pack(value);
      } catch (cause) {
        throw unreadable(path, cause);
      }
    },
    // Bytes come back as the class of what they are cut from, and that shall not be a Buffer.
    decode: (bytes) => packr.unpack(plain(bytes)),
  };
}

function plain(bytes: Uint8Array): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const registered = new Map<number, unknown>();

function register(extension: CodecExtension<unknown>): void {
  const { type } = extension;
  if (!Number.isInteger(type) || type < 1 || type > 100)
    throw new MotionError(
      'INVALID_OPTIONS',
      `codec extension for ${extension.class.name}: type ${type} is not 1 to 100`,
    );
  const other = registered.get(type) ?? extension.class;
  if (other !== extension.class)
    throw new MotionError(
      'INVALID_OPTIONS',
      `codec extension for ${extension.class.name}: type ${type} is taken by another class`,
    );
  registered.set(type, extension.class);
  addExtension({
    Class: extension.class as unknown as new (...args: unknown[]) => unknown,
    type,
    write: (value: unknown) => extension.encode(value),
    read: (data: unknown) => extension.decode(data),
  });
}
