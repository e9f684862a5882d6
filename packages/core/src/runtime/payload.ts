import { MotionError } from '../errors.js';
import type { Codec } from '../state/codec.js';

/** What a call hands to its updates. */
export interface Payload {
  readonly props: Readonly<Record<string, unknown>>;
  readonly serveResult: unknown;
  readonly passed: unknown;
}

/** @throws MotionError `NOT_SERIALIZABLE`, with the path of the offending value */
export function encodePayload({ props, serveResult, passed }: Payload, codec: Codec, what: string): Uint8Array {
  try {
    return codec.encode(passed === undefined ? [props, serveResult] : [props, serveResult, passed], what);
  } catch (error) {
    // Once more, one by one: now the path in the message is one that the caller knows.
    codec.encode(props, `${what}: props`);
    codec.encode(serveResult, `${what}: the serve's result`);
    codec.encode(passed, `${what}: what ctx.pass was given`);
    throw error;
  }
}

/** @throws MotionError `CORRUPT` */
export function decodePayload(bytes: Uint8Array, codec: Codec, what: string): Payload {
  let decoded: unknown;
  try {
    decoded = codec.decode(bytes);
  } catch (cause) {
    throw new MotionError('CORRUPT', `a queued call of ${what} cannot be decoded`, { cause });
  }
  if (!Array.isArray(decoded) || typeof decoded[0] !== 'object' || decoded[0] === null)
    throw new MotionError('CORRUPT', `a queued call of ${what} is damaged`);
  return { props: decoded[0], serveResult: decoded[1], passed: decoded[2] };
}
