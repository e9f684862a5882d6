import { MotionError } from '@motion-ts/core';
import type { JournalState } from './journal.js';
import type { Actor, Handle } from './stage.js';

/** What callers do beside calling flows: they look, wait, and tidy up. */

export async function readState(caller: Actor, handle: Handle): Promise<void> {
  const { stage, life, name } = caller;
  const { world, accounting } = stage;
  const { now } = world;
  const floor = life?.log.length ?? 0;
  const state = (await handle.readState()) as JournalState;
  accounting.assertWhole(state, `${name} reading the state`);
  if (life && state.birth !== life.birth) stage.problem(`${name} opened ${life.birth}, but sees ${state.birth}`);
  if (state.count < floor && accounting.isExact(now))
    stage.problem(`${name} read a state of ${state.count} updates, but ${floor} were committed before`);
  const { lastVersion } = caller;
  const version = await handle.version();
  if (life !== caller.life) return;
  if (version < lastVersion && accounting.isExact(0))
    stage.problem(`${name} saw version ${version} after ${lastVersion}`);
  caller.lastVersion = Math.max(caller.lastVersion, version);
}

export async function flush({ stage, life, name }: Actor, handle: Handle): Promise<void> {
  const { now } = stage.world;
  const seq = Math.max(0, ...(life?.batches.keys() ?? []));
  try {
    await handle.flushUpdates();
  } catch (error) {
    if (!MotionError.is(error, 'UPDATE_FAILED')) throw error;
  }
  if (life && stage.accounting.isExact(now) && life.root.cursor < seq)
    stage.problem(`${name} flushed ${seq} batches, but only ${life.root.cursor} are done`);
}

/** Lists the dead letters; one of them is redriven or dropped. */
export async function letters({ stage, life, name }: Actor, handle: Handle): Promise<void> {
  const { world, accounting } = stage;
  const { random } = world;
  const { now } = world;
  const isGone = (id: string): boolean => !!life && (life.redriven.has(id) || life.dropped.has(id) || life.ended);
  const there = [...(life?.outcomes ?? [])].filter(([id, kind]) => kind === 'dead' && !isGone(id));
  const found = await handle.deadLetters();
  if (!life) return;
  if (accounting.isExact(now))
    for (const [id] of there)
      if (!isGone(id) && !found.some((letter) => letter.id === id))
        stage.problem(`${name} does not find dead letter ${id}`);
  const letter = found.length > 0 ? random.pick(found) : undefined;
  if (!letter) return;
  const redrive = random.chance(0.6);
  try {
    await (redrive ? handle.redrive(letter.id) : handle.discardDeadLetter(letter.id));
    if (accounting.isExact(now) && !life.ended && !(redrive ? life.redriven : life.dropped).has(letter.id))
      stage.problem(`${name} was told that ${letter.id} is ${redrive ? 'redriven' : 'dropped'}: it is not`);
  } catch (error) {
    if (!MotionError.is(error, 'NO_DEAD_LETTER')) throw error;
    if (accounting.isExact(now) && !isGone(letter.id)) stage.problem(`${name}: ${error.message}, but it is there`);
  }
}

export async function inspect({ stage, motion, id, name }: Actor): Promise<void> {
  const found = await motion.inspect(stage.component, id);
  stage.accounting.assertWhole(found.state as JournalState, `${name} inspecting`);
  if (found.queued < 0) stage.problem(`${name} was told that ${found.queued} updates are queued`);
}

export async function clear({ stage, motion, id, name }: Actor): Promise<void> {
  const { component, auditor, accounting, world } = stage;
  const { now } = world;
  const life = auditor.current.get(`Journal/${id}`);
  await motion.clear(component as never, id);
  if (life && accounting.isExact(now) && !life.ended) stage.problem(`${name} cleared ${life.birth}, but it lives`);
}

export async function reopen(caller: Actor, handle: Handle): Promise<void> {
  if (caller.handle === handle) caller.handle = undefined;
  await handle.close();
}
