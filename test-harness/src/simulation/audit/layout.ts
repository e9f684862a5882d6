import { msgpackCodec } from '@motion-ts/core';
import type { ServerPartition } from '../server.js';

/*
 * Core's entries, read a second time and independently of core's own code: a mistake there does not hide itself here.
 * Only what the invariants need is read. Core's records are arrays under the format number 1.
 */
const codec = msgpackCodec();

function record(bytes: Uint8Array): unknown[] {
  const fields = codec.decode(bytes) as unknown[];
  if (!Array.isArray(fields) || fields[0] !== 1) throw new Error('not a record of format 1');
  return fields.slice(1);
}

/** The entry `root`, as far as the invariants look at it. */
export interface RootRecord {
  readonly incarnation: string;
  readonly holder: string | null;
  readonly epoch: number;
  readonly cursor: number;
  readonly index: number;
  readonly version: number;
  readonly tries: number;
  readonly deadLetters: number;
  readonly carefulUntil: number;
}

export function readRoot(bytes: Uint8Array): RootRecord {
  const [incarnation, holder, epoch, , cursor, index, version, tries, deadLetters, carefulUntil] = record(bytes);
  return { incarnation, holder, epoch, cursor, index, version, tries, deadLetters, carefulUntil } as RootRecord;
}

/** A call in the queue. */
export interface CallRecord {
  readonly id: string;
  readonly flow: string;
  readonly updates: readonly string[];
  readonly payload: Uint8Array;
}

export function readBatch(bytes: Uint8Array): CallRecord[] {
  const [calls] = record(bytes) as [[string, string, string[], Uint8Array][]];
  return calls.map(([id, flow, updates, payload]) => ({ id, flow, updates, payload }));
}

/** What a flow's call hands to its updates. */
export function readProps(payload: Uint8Array): Readonly<Record<string, unknown>> {
  return (codec.decode(payload) as [Record<string, unknown>])[0];
}

/** What a `writeState` changes; undefined for a key that goes. */
export function readChanges(payload: Uint8Array): Map<string, unknown> {
  const [changes] = record(payload) as [[string, Uint8Array | null][]];
  return new Map(changes.map(([key, bytes]) => [key, bytes === null ? undefined : codec.decode(bytes)]));
}

export function readOutcome(bytes: Uint8Array): { readonly kind: 'dead' | 'discarded'; readonly payload?: Uint8Array } {
  const fields = record(bytes);
  return fields[0] === 'dead' ? { kind: 'dead', payload: fields[8] as Uint8Array } : { kind: 'discarded' };
}

const INLINE = 0;

/** The group of chunks that an entry's value points to. */
export function groupOf(value: Uint8Array): string | undefined {
  return value[0] === INLINE ? undefined : (codec.decode(value.subarray(1)) as [string])[0];
}

/** The bytes behind an entry's value; undefined when chunks are missing. */
export function readStored(partition: ServerPartition, value: Uint8Array): Uint8Array | undefined {
  if (value[0] === INLINE) return value.subarray(1);
  const [id, count, length] = codec.decode(value.subarray(1)) as [string, number, number];
  const bytes = new Uint8Array(length);
  let at = 0;
  for (let n = 0; n < count; n++) {
    const chunk = partition.entries.get(`b/${id}/${String(n).padStart(6, '0')}`)?.value;
    if (!chunk || at + chunk.byteLength > length) return undefined;
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return at === length ? bytes : undefined;
}

/** One key of the state; undefined when it is absent or damaged. */
export function readStateKey(partition: ServerPartition, name: string): unknown {
  const value = partition.entries.get(`s/${name}`)?.value;
  const bytes = value && readStored(partition, value);
  return bytes && codec.decode(bytes);
}

/** The names of the state's keys. */
export function readDir(partition: ServerPartition): string[] {
  const entry = partition.entries.get('dir');
  return entry ? (record(entry.value)[0] as string[]) : [];
}
