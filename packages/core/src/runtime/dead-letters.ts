import { MotionError } from '../errors.js';
import type { QueueContext } from '../queue/context.js';
import type { Producer } from '../queue/producer.js';
import { INIT, OUTCOMES, outcomeKey } from '../state/keys.js';
import { decodeOutcome, type Outcome, type StoredError, WRITE_STATE } from '../state/records.js';
import type { Revision } from '../store/contract.js';
import type { DeadLetter } from './api.js';
import { decodePayload } from './payload.js';

type Dead = Extract<Outcome, { kind: 'dead' }>;

/** A dead letter, as the store has it. */
export interface StoredDeadLetter {
  readonly id: string;
  readonly rev: Revision;
  readonly dead: Dead;
}

const PAGE = 100;

/** All dead letters of an instance, in the order of their calls. */
export async function listDeadLetters({ store, partition, what }: QueueContext): Promise<StoredDeadLetter[]> {
  const found: StoredDeadLetter[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await store.list(partition, { prefix: OUTCOMES, limit: PAGE, ...(after !== undefined && { after }) });
    for (const { key, rev, value } of page) {
      const id = key.slice(OUTCOMES.length);
      const outcome = decodeOutcome(value, `the outcome of update ${id} of ${what}`);
      if (outcome.kind === 'dead') found.push({ id, rev, dead: outcome });
    }
    after = page.at(-1)?.key;
    if (after === undefined) break;
  }
  return found.sort((a, b) => a.dead.seq - b.dead.seq);
}

/** As callers see it. */
export async function describeDeadLetter(queue: QueueContext, { id, dead }: StoredDeadLetter): Promise<DeadLetter> {
  const { flow, update, error, tries, queuedAt, at } = dead;
  const bytes = await queue.chunks.read(dead.payload);
  return {
    id,
    flow,
    update,
    error,
    tries,
    queuedAt: new Date(queuedAt),
    diedAt: new Date(at),
    props: bytes && propsOf(queue, dead, bytes),
  };
}

function propsOf({ codec, what }: QueueContext, { update }: Dead, bytes: Uint8Array): unknown {
  if (update === WRITE_STATE) return undefined;
  const { props, serveResult, passed } = decodePayload(bytes, codec, what);
  return { ...props, serveResult, ...(passed !== undefined && { passed }) };
}

/** @throws MotionError `NO_DEAD_LETTER` */
export async function findDeadLetter(queue: QueueContext, id: string): Promise<StoredDeadLetter> {
  const valid = typeof id === 'string' && /^[\x21-\x7e]{1,100}$/.test(id);
  const entry = valid ? (await queue.store.get(queue.partition, [outcomeKey(id)])).entries[0] : undefined;
  const outcome = entry?.value && decodeOutcome(entry.value, `the outcome of update ${id} of ${queue.what}`);
  if (!entry || outcome?.kind !== 'dead')
    throw new MotionError(
      'NO_DEAD_LETTER',
      `${queue.what} has no dead letter ${typeof id === 'string' ? `'${id.slice(0, 100)}'` : `of a name that is a ${typeof id}`}; deadLetters() lists those it has`,
    );
  return { id, rev: entry.rev, dead: outcome };
}

/**
 * Queues the update of a dead letter again, in the commit in which the letter goes.
 *
 * @param incarnation of the instance
 * @throws MotionError `NO_DEAD_LETTER`, `INSTANCE_GONE`, `CORRUPT`, and what {@link Producer.append} throws
 */
export async function redriveDeadLetter(
  queue: QueueContext,
  producer: Producer,
  letter: StoredDeadLetter,
  incarnation: Revision,
): Promise<void> {
  const { env, chunks, what, events } = queue;
  const { id, rev, dead } = letter;
  const payload = await chunks.read(dead.payload);
  if (!payload) throw await whyMissing(queue, letter, incarnation);
  const call = { id: env.id(), flow: dead.flow, updates: [dead.update], payload, at: env.now() };
  const key = outcomeKey(id);
  await producer.append({ call, redriven: { key, rev } });
  const group = chunks.groupOf(dead.payload);
  // It is queued: what stays of its old chunks now, the sweep finds.
  if (group)
    await chunks
      .forget([group], { key, rev: null })
      .catch((cause) => events.warn(`${what}: old chunks were not deleted`, cause));
}

/** Who takes a letter takes its payload; only of one that stands is it missing. */
async function whyMissing(
  { store, partition, what }: QueueContext,
  { id, rev }: StoredDeadLetter,
  incarnation: Revision,
): Promise<MotionError> {
  const [init, letter] = (await store.get(partition, [INIT, outcomeKey(id)])).entries;
  if (init?.rev !== incarnation) return gone(what);
  if (letter?.rev !== rev) return taken(what, id);
  return new MotionError('CORRUPT', `the payload of dead letter ${id} of ${what} is missing in the store`);
}

function gone(what: string): MotionError {
  return new MotionError('INSTANCE_GONE', `${what} was cleared, or moved, since it was opened; open it again`);
}

function taken(what: string, id: string): MotionError {
  return new MotionError(
    'NO_DEAD_LETTER',
    `${what} has no dead letter ${JSON.stringify(id)} any more: it was redriven or discarded meanwhile`,
  );
}

/**
 * @param incarnation of the instance: of one that has ended nothing is dropped
 * @throws MotionError `NO_DEAD_LETTER`, `INSTANCE_GONE`
 */
export async function dropDeadLetter(
  queue: QueueContext,
  letter: StoredDeadLetter,
  incarnation: Revision,
): Promise<void> {
  const { env, store, partition, what, chunks } = queue;
  const key = outcomeKey(letter.id);
  const result = await store.commit(partition, {
    id: env.id(),
    checks: [
      { key, rev: letter.rev },
      { key: INIT, rev: incarnation },
    ],
    deletes: [key],
  });
  if (!result.ok) throw result.failed.includes(INIT) ? gone(what) : taken(what, letter.id);
  const group = chunks.groupOf(letter.dead.payload);
  if (group) await chunks.forget([group], { key, rev: null });
}

/** The error of a dead letter, made again as far as it was stored. */
export function revive({ name, message, stack, code }: StoredError): Error {
  const error = new Error(message);
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  if (stack !== undefined) Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true });
  if (code !== undefined) Object.assign(error, { code });
  return error;
}

/** What `flushUpdates` rejects with for an update that is a dead letter. */
export function updateFailed(what: string, id: string, dead: Dead): MotionError {
  return new MotionError(
    'UPDATE_FAILED',
    `update '${dead.update || 'writeState'}' of flow '${dead.flow}' of ${what} failed ${dead.tries} times and is dead letter ${id}: ${dead.error.message}`,
    { cause: revive(dead.error) },
  );
}

/** @throws MotionError `UPDATE_FAILED`, or else `UPDATE_DISCARDED`, if not all of a call's updates were applied */
export function assertApplied(what: string, outcomes: ReadonlyMap<string, Outcome>): void {
  for (const [id, outcome] of outcomes) if (outcome.kind === 'dead') throw updateFailed(what, id, outcome);
  for (const [id, outcome] of outcomes)
    if (outcome.kind === 'discarded')
      throw new MotionError(
        'UPDATE_DISCARDED',
        `update ${id} of ${what} was discarded by its policy: ${outcome.why === 'age' ? 'it had waited too long' : 'enough newer ones waited behind it'}`,
      );
}
