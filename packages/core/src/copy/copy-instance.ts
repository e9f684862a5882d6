import { sleep } from '../env.js';
import { MotionError } from '../errors.js';
import { Arrival } from './arrival.js';
import { Changed, contentOf, corrupt, Digest, deadLettersOf, relativeRoot } from './content.js';
import { type Head, look, type Place, type Source } from './place.js';
import { noteArrival, seal } from './seal.js';

/** What became of one instance. */
export interface Copied {
  readonly outcome: 'copied' | 'already' | 'gone' | 'busy';
  /** Of its values. */
  readonly bytes: number;
  /** Hexadecimal; of one that was copied. */
  readonly sha256?: string;
}

/** So often a copy of an instance in use is begun anew because it changed meanwhile; then it is sealed first, if it moves. */
const TRIES = 4;
/** So often that is tried between two commits of a busy holder. */
const SEAL_TRIES = 200;

/**
 * Copies one instance. It is written and read back while it is in use; only if nothing of it changed since, the copy counts.
 *
 * @param moves the instance ends where it was, in the same moment
 * @throws MotionError `INSTANCE_EXISTS`, `INSTANCE_MOVED`, `COPY_MISMATCH`, `CORRUPT`, `LEASE_LOST`; StoreError
 */
export async function copyInstance(from: Place, to: Place, moves: boolean): Promise<Copied> {
  for (let attempt = 0; ; attempt++) {
    const source = await look(from);
    if (source.kind === 'absent') return { outcome: 'gone', bytes: 0 };
    if (source.kind === 'left' && source.mark.arrived) return { outcome: 'already', bytes: 0 };
    if (source.kind === 'left' && !moves)
      throw new MotionError('INSTANCE_MOVED', `${from.what} is moving to another store: finish that first`);
    if (source.kind === 'live' && attempt >= TRIES) {
      if (attempt >= SEAL_TRIES || !moves) return { outcome: 'busy', bytes: 0 };
      await seal(from, source);
      continue;
    }
    if (attempt > 0) await sleep(from.env, from.env.random() * 20 * attempt);
    const copied = await copyOnce(from, to, source, moves);
    if (copied) return copied;
  }
}

/** @returns undefined: it changed meanwhile */
async function copyOnce(
  from: Place,
  to: Place,
  source: Exclude<Source, { kind: 'absent' }>,
  moves: boolean,
): Promise<Copied | undefined> {
  const { head } = source;
  const arrival = await Arrival.begin(to, head.root.incarnation);
  if (!arrival) {
    if (moves && source.kind === 'live')
      throw new MotionError('INSTANCE_EXISTS', `${to.what} was copied before: clear that copy, so that it can move`);
    await noteArrivalOf(from);
    return { outcome: 'already', bytes: 0 };
  }
  const letters = await deadLettersOf(from, head);
  const written = new Digest(head);
  try {
    for await (const item of contentOf(from, head)) {
      written.add(item);
      await arrival.write(item);
    }
  } catch (error) {
    if (!(error instanceof Changed)) throw error;
    if (source.kind === 'left') throw corrupt(from, error);
    return undefined;
  }
  await arrival.flush();
  const there = arrival.headOf(head.init, relativeRoot(head));
  const { bytes } = written;
  const sha256 = written.hex();
  await assertReadsBack(to, there, sha256);
  if (source.kind === 'live') {
    const same = moves ? await seal(from, source) : await isUnchanged(from, source);
    if (!same || (await deadLettersOf(from, head)) !== letters) return undefined;
  }
  await arrival.finish(there);
  await noteArrivalOf(from);
  return { outcome: 'copied', bytes, sha256 };
}

async function noteArrivalOf(from: Place): Promise<void> {
  const source = await look(from);
  if (source.kind === 'left' && !source.mark.arrived) await noteArrival(from, source);
}

async function isUnchanged(from: Place, { head, initRev, rootRev }: Source & { kind: 'live' }): Promise<boolean> {
  const now = await look(from);
  return now.kind === 'live' && now.initRev === initRev && now.rootRev === rootRev && now.head.seq === head.seq;
}

async function assertReadsBack(to: Place, head: Head, sha256: string): Promise<void> {
  const read = new Digest(head);
  try {
    for await (const item of contentOf(to, head)) read.add(item);
  } catch (error) {
    if (!(error instanceof Changed) && !MotionError.is(error, 'CORRUPT')) throw error;
    throw new MotionError('COPY_MISMATCH', `the copy of ${to.what} cannot be read back: ${error.message}`);
  }
  if (read.hex() !== sha256)
    throw new MotionError(
      'COPY_MISMATCH',
      `the copy of ${to.what} does not read back as it was written: its SHA-256 is another; nothing of it can be used`,
    );
}
