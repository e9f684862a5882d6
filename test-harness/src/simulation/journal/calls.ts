import { MotionError } from '@motion-ts/core';
import { describe } from '../errors.js';
import type { CallNote } from './accounting.js';
import type { Act, Look } from './journal.js';
import type { Actor, Handle } from './stage.js';

/** What callers do that is written down: each call is noted before it is made, and once it is settled. */

/** Calls a flow that has updates. */
export async function call(caller: Actor, handle: Handle, flow: string): Promise<void> {
  const { world, plan, accounting } = caller.stage;
  const { random } = world;
  const act = draw(caller);
  const key = random.chance(plan.keyed) ? `${caller.id}-key${random.int(0, 9)}` : undefined;
  const flush = random.chance(plan.flushes);
  const controller = random.chance(0.05) ? new AbortController() : undefined;
  const note = begin(caller, { label: act.label, flow, key, flush });
  const options = {
    ...(flush && { flushUpdates: true }),
    ...(key !== undefined && { idempotencyKey: key }),
    ...(controller && { signal: controller.signal }),
  };
  if (controller) caller.process.timer(random.int(0, 200), () => controller.abort());
  const floor = caller.life?.log.length ?? 0;
  try {
    const result =
      flow === 'stream' ? await stream(caller, handle, act, options) : await handle.run(flow, act, options);
    if (result === 'left early') {
      note.outcome = 'refused';
      return;
    }
    if (flow === 'note') assertLook(caller, note.life, result as Look, floor, note.invokedAt, `call ${act.label}`);
    accounting.done(note);
  } catch (error) {
    callFailed(caller, note, error);
  }
}

/** Draws what the call's updates are asked to do. */
function draw(caller: Actor): Act {
  const { world, plan } = caller.stage;
  const { random } = world;
  // As many keys as one update may change, now and then.
  const wide = random.chance(plan.wide);
  const width = wide ? Math.min(46, plan.limits.commitOps - 14) : 6;
  const first = random.int(0, wide ? 45 : plan.names);
  const keys = Array.from({ length: width }, (_, n) => `k${(first + n) % 46}`).filter(() => random.chance(0.7));
  const cut = random.int(0, keys.length);
  return {
    label: caller.nextLabel(),
    ...(random.chance(plan.poison) && { poison: true }),
    ...(random.chance(plan.failures) && { fails: random.pick([1, 2, 99]) }),
    ...(random.chance(0.3) && { ms: random.chance(0.1) ? random.int(500, 4_000) : random.int(1, 40) }),
    ...(random.chance(plan.big) && { size: random.int(100, 3_000) }),
    ...((wide || random.chance(plan.many)) && { set: keys.slice(0, cut), unset: keys.slice(cut) }),
  };
}

function begin(
  { stage, process, name, life }: Actor,
  call: Pick<CallNote, 'label' | 'flow' | 'key' | 'flush'>,
): CallNote {
  const how = `${call.flush ? ', and waits' : ''}${call.key === undefined ? '' : `, key ${call.key}`}`;
  stage.trace(`${call.label} calls ${call.flow} of ${life?.partition}${how}`);
  return stage.accounting.begin({ ...call, process, caller: name, life });
}

function callFailed(caller: Actor, note: CallNote, error: unknown): void {
  caller.stage.trace(`${note.label} failed: ${describe(error).slice(0, 160)}`);
  caller.stage.accounting.failed(note, error);
  if (MotionError.is(error, 'INSTANCE_GONE') && note.life === caller.life) caller.handle = undefined;
}

async function stream({ stage }: Actor, handle: Handle, act: Act, options: object): Promise<unknown> {
  const { random } = stage.world;
  const chunks = handle.stream('stream', act, options);
  const leave = random.chance(0.2) ? random.int(0, 2) : Infinity;
  let n = 0;
  for await (const _ of chunks) if (n++ >= leave) return 'left early';
  return chunks.result;
}

/** Calls a flow that has a cached serve, and no updates. */
export async function ask(caller: Actor, handle: Handle): Promise<void> {
  const { now } = caller.stage.world;
  const { life } = caller;
  const floor = life?.log.length ?? 0;
  const look = (await handle.run('ask', {})) as Look;
  if (life === caller.life) assertLook(caller, life, look, floor, now, `${caller.name} asked`);
}

/** What was committed before the call must be seen by it, and nothing that never was. */
function assertLook(
  { stage }: Actor,
  life: Actor['life'],
  { count, last }: Look,
  floor: number,
  since: number,
  where: string,
): void {
  if (!life || !stage.accounting.isExact(since)) return;
  if (count < floor) stage.problem(`${where}: saw ${count} updates, but ${floor} were committed before`);
  if (last !== (life.log[count - 1] ?? ''))
    stage.problem(`${where}: saw ${last} as update ${count}, but that is ${life.log[count - 1] ?? 'none'}`);
}

export async function writeState(caller: Actor, handle: Handle): Promise<void> {
  const label = caller.nextLabel();
  const note = begin(caller, { label, flow: 'writeState', key: undefined, flush: true });
  try {
    await handle.writeState({ [`w${caller.name}`]: label });
    caller.stage.accounting.done(note);
  } catch (error) {
    callFailed(caller, note, error);
  }
}
