import { Packr } from 'msgpackr';
import { MotionError } from '../errors.js';

/*
 * What the library itself writes, as arrays under a format number. Values of the user stand in them as bytes of the codec.
 * A record that cannot be read is `CORRUPT`: nothing is repaired in silence, nothing written over.
 */
const FORMAT = 1;
const packr = new Packr({ useRecords: false, copyBuffers: true });

export function write(fields: unknown[]): Uint8Array {
  return packr.pack([FORMAT, ...fields]);
}

export function read<T extends unknown[]>(bytes: Uint8Array, what: string, fits: (fields: unknown[]) => boolean): T {
  let record: unknown;
  try {
    record = packr.unpack(bytes);
  } catch (cause) {
    throw new MotionError('CORRUPT', `${what} cannot be read: it is damaged, or was written by something else`, {
      cause,
    });
  }
  if (!Array.isArray(record) || typeof record[0] !== 'number')
    throw new MotionError('CORRUPT', `${what} is not a record of this library: something else wrote it`);
  if (record[0] !== FORMAT)
    throw new MotionError(
      'CORRUPT',
      `${what} has format ${record[0]}; this version of the library reads format ${FORMAT}: use a newer one`,
    );
  const fields = record.slice(1);
  if (!fits(fields)) throw new MotionError('CORRUPT', `${what} is damaged: its fields have the wrong types`);
  return fields as T;
}

export const number = (value: unknown): value is number => typeof value === 'number';
export const string = (value: unknown): value is string => typeof value === 'string';
export const bytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;
