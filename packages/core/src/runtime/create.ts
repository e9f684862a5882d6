import { jittered, sleep } from '../env.js';
import { MotionError } from '../errors.js';
import { Committed, type StateEntry, stateEntry } from '../state/committed.js';
import { dirBytes, mostDirBytes } from '../state/dir.js';
import { DIR, GONE, INIT, ROOT, slotKey, stateKey } from '../state/keys.js';
import { encodeDir, encodeInit, encodeRoot, encodeStamp, firstRoot } from '../state/records.js';
import { commitOnce } from '../store/commit-once.js';
import type { Check, Put } from '../store/contract.js';
import { StoreError } from '../store/errors.js';
import { finishClear } from './clear.js';
import type { OpenedInstance } from './opened.js';
import type { Settings } from './options.js';
import { changesOf, isPlainObject } from './patch.js';
import { methodOf, mostKeys } from './update-runner.js';

/** What `motion.instance` was given. */
export interface OpenOptions {
  readonly init?: unknown;
  readonly existing?: boolean;
}

/**
 * Loads an instance, making it first if need be. However many do so at once, one InitState takes effect.
 *
 * @throws MotionError `NO_INIT_PARAMS`, `INSTANCE_GONE` (with `existing`), `INSTANCE_MOVED`, `INVALID_PATCH`, `NOT_SERIALIZABLE`, `CORRUPT`;
 *   what InitState throws; StoreError
 */
export async function openOrCreate(opened: OpenedInstance, settings: Settings, options: OpenOptions): Promise<void> {
  let first: ReadonlyMap<string, Uint8Array> | undefined;
  for (;;) {
    try {
      await opened.refresh();
      return;
    } catch (error) {
      if (!MotionError.is(error, 'INSTANCE_GONE')) throw error;
    }
    const mark = await finishClear(opened.queue);
    if (mark === 'left')
      throw new MotionError('INSTANCE_MOVED', `${opened.what} has moved to another store: open it there`);
    if (mark === 'arriving')
      throw new MotionError(
        'INSTANCE_MOVED',
        `${opened.what} is being copied here from another store, and is not complete: finish copyInstances(), or clear it here`,
      );
    if (options.existing)
      throw new MotionError('INSTANCE_GONE', `${opened.what} does not exist, and 'existing' says not to create it`);
    first ??= await firstState(opened, settings, options.init);
    if (await create(opened, settings, first)) return;
  }
}

async function firstState(
  { registered, what }: OpenedInstance,
  settings: Settings,
  params: unknown,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const { init } = registered.definition;
  if (!init) return new Map();
  // Params may all be optional, which only the types know. That they were missed shows in what comes out.
  const missed = (cause?: unknown): MotionError =>
    new MotionError(
      'NO_INIT_PARAMS',
      `${what} does not exist yet, and its @InitState method wants params: pass { init: ... }`,
      { cause },
    );
  const mayMiss = params === undefined && init.arity > 0;
  let state: unknown;
  try {
    state = await methodOf(registered, init.method).call(registered.component, params ?? {});
  } catch (error) {
    throw mayMiss ? missed(error) : error;
  }
  if (mayMiss && isPlainObject(state) && Object.values(state).includes(undefined)) throw missed();
  if (!isPlainObject(state))
    throw new MotionError('INVALID_PATCH', `@InitState of ${what} must return an object, the whole first state`);
  const bytes = new Map<string, Uint8Array>();
  for (const [name, value] of changesOf(state, settings.codec, `@InitState of ${what}`, mostKeys(settings)))
    if (value) bytes.set(name, value);
  const most = mostDirBytes(settings.store.limits);
  if (dirBytes(bytes.keys()) > most)
    throw new MotionError(
      'INVALID_PATCH',
      `@InitState of ${what} gave ${bytes.size} keys, more than this store can hold the names of (${most} bytes): group what belongs together under one key`,
    );
  return bytes;
}

/** @returns false: somebody else was faster, or is clearing */
async function create(
  opened: OpenedInstance,
  { codec }: Settings,
  state: ReadonlyMap<string, Uint8Array>,
): Promise<boolean> {
  const { env, store, partition, chunks, options, view } = opened.queue;
  const absent: Check[] = [
    { key: INIT, rev: null },
    { key: GONE, rev: null },
  ];
  const deadline = env.mono() + options.patienceMs;
  const permit = await permitFor(opened.queue, absent, deadline);
  if (!permit) return false;
  const checks: Check[] = [...absent, permit];
  const id = env.id();
  const root = firstRoot(id, env.now());
  const names = [...state.keys()];
  const { name } = opened.registered.definition;
  const puts: Put[] = [
    { key: INIT, value: encodeInit({ component: name, id: opened.id, codec: codec.name, createdAt: env.now() }) },
    { key: ROOT, value: encodeRoot(root) },
    { key: DIR, value: encodeDir(names) },
  ];
  const entries = new Map<string, StateEntry>();
  for (const [key, bytes] of state) {
    const stored = await chunks.write(bytes, absent);
    if (!stored) return false;
    if (stored.check) checks.push(stored.check);
    puts.push({ key: stateKey(key), value: stored.value });
    entries.set(key, stateEntry(id, bytes, stored.group, codec));
  }
  const outcome = await commitOnce(
    env,
    store,
    partition,
    { id, checks, puts, deletes: [permit.key], due: { in: null } },
    INIT,
    deadline,
  );
  if (outcome.applied === 'open') throw outcome.error;
  if (outcome.applied) view.publish(new Committed(id, root, id, entries, codec));
  return outcome.applied;
}

/**
 * A late copy of the commit that creates an instance would find everything absent again once that is cleared, and bring it
 * back. So that commit uses up a permit. A permit is sent once: if its own outcome is unknown, another takes its place, so
 * that no copy of it can come late; what is left of it is an entry that nobody knows.
 */
async function permitFor(
  { env, store, partition }: OpenedInstance['queue'],
  absent: readonly Check[],
  deadline: number,
): Promise<Check | undefined> {
  for (let attempt = 0; ; attempt++) {
    const key = slotKey(env.id());
    const id = env.id();
    const checks = [...absent, { key, rev: null }];
    try {
      const result = await store.commit(partition, { id, checks, puts: [{ key, value: encodeStamp(env.now()) }] });
      return result.ok ? { key, rev: id } : undefined;
    } catch (error) {
      const mayPass = StoreError.is(error, 'unknown') || StoreError.is(error, 'unavailable');
      if (!mayPass || env.mono() >= deadline) throw error;
    }
    await sleep(env, jittered(env, Math.min(1_000, 10 * 2 ** attempt)));
  }
}
