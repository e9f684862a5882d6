import { isComponentClass } from '../component/component.js';
import type { ComponentClass } from '../component/declare.js';
import { define } from '../component/definition.js';
import type { Env } from '../env.js';
import { MotionError } from '../errors.js';
import { assertOptionNames, type OptionNames } from '../option-names.js';
import type { Signal } from '../signal.js';
import { parsePartition, partitionPrefix } from '../state/keys.js';
import type { Store } from '../store/contract.js';
import { StoreError } from '../store/errors.js';
import { systemEnv } from '../system-env.js';
import { type Copied, copyInstance } from './copy-instance.js';
import { placeOf } from './place.js';

/** Options of {@link copyInstances}. */
export interface CopyOptions {
  /** Whose instances: classes, or names of components. */
  readonly components: readonly (ComponentClass | string)[];
  /**
   * `'move'` (default): an instance goes on in the other store, and ends where it was, in the moment in which its copy is
   * complete. `'copy'`: it goes on where it was, and once more in the other store.
   */
  readonly mode?: 'move' | 'copy';
  /** Instances that are copied at the same time. Default: 8. */
  readonly concurrency?: number;
  /** Hears of each instance that is done. */
  readonly onProgress?: (progress: CopyProgress) => void;
  /** Begins no more instances: the call rejects with `ABORTED` when those under way are done. Call again to go on. */
  readonly signal?: Signal;
  /** Milliseconds after which a store that does not answer is given up. Default: 30,000. */
  readonly storeTimeoutMs?: number;
  /** The outside world; only simulations give their own. */
  readonly env?: Env;
}

/** One instance of {@link copyInstances}. */
export interface CopiedInstance {
  readonly componentName: string;
  readonly instanceId: string;
  /**
   * `copied`: in the other store, and read back as it was written. `already`: that was so before. `gone`: it was cleared
   * meanwhile. `busy`: it changed again and again, or somebody else copies it; call again. `failed`: see `error`.
   */
  readonly outcome: 'copied' | 'already' | 'gone' | 'busy' | 'failed';
  /** Of its values. */
  readonly bytes: number;
  /** Of all that was copied, hexadecimal: computed from what was read, and equal to what was read back. */
  readonly sha256?: string;
  readonly error?: unknown;
}

/** How far {@link copyInstances} is. */
export interface CopyProgress {
  /** Instances. */
  readonly done: number;
  readonly total: number;
  /** Of the values of all instances that were copied. */
  readonly bytes: number;
  readonly instance: CopiedInstance;
}

/** What {@link copyInstances} did. */
export interface CopyReport {
  readonly copied: number;
  readonly already: number;
  readonly bytes: number;
  /** The instances that are busy or failed: they are not in the other store. Call again when the cause is mended. */
  readonly problems: readonly CopiedInstance[];
}

const NAMES: OptionNames<CopyOptions> = {
  components: true,
  mode: true,
  concurrency: true,
  onProgress: true,
  signal: true,
  storeTimeoutMs: true,
  env: true,
};
const CONCURRENCY = 8;
const PATIENCE_MS = 30_000;

/**
 * Moves or copies all instances of some components from one store to another, with their state, queued updates, dead
 * letters and idempotency keys. Each is read back and compared before it can be used. It may be killed and called again: it
 * goes on.
 *
 * @param from where the instances are
 * @param to where they are to be; neither store is closed
 * @throws MotionError `INVALID_OPTIONS`, `ABORTED`; StoreError when one of the stores fails
 * @example
 * const { copied, problems } = await copyInstances(sqlite, postgres, { components: [BookRecommender] });
 */
export async function copyInstances(from: Store, to: Store, options: CopyOptions): Promise<CopyReport> {
  const { mode, concurrency, env, signal, names, storeTimeoutMs } = checked(from, to, options);
  const partitions: string[] = [];
  for (const name of names) partitions.push(...(await partitionsOf(from, name)));
  const total = partitions.length;
  const problems: CopiedInstance[] = [];
  let [done, copied, already, bytes] = [0, 0, 0, 0];
  let failure: { readonly error: unknown } | undefined;

  const copyNext = async (): Promise<void> => {
    for (let partition = partitions.pop(); partition !== undefined; partition = partitions.pop()) {
      if (failure || signal?.aborted) return;
      const { component, id } = parsePartition(partition) as { component: string; id: string };
      const what = `${component}/${id}`;
      const places = [from, to].map((store) => placeOf(env, store, partition as string, what, storeTimeoutMs));
      try {
        const [source, target] = places as [ReturnType<typeof placeOf>, ReturnType<typeof placeOf>];
        const result = await settled(copyInstance(source, target, mode === 'move'));
        const instance: CopiedInstance = { componentName: component, instanceId: id, ...result };
        if (result.outcome === 'copied') copied++;
        else if (result.outcome === 'already') already++;
        else if (result.outcome !== 'gone') problems.push(instance);
        bytes += result.bytes;
        done++;
        options.onProgress?.({ done, total, bytes, instance });
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, copyNext));
  if (failure) throw failure.error;
  if (signal?.aborted && done < total)
    throw new MotionError('ABORTED', `copying was aborted after ${done} of ${total} instances; call again to go on`, {
      cause: signal.reason,
    });
  return { copied, already, bytes, problems };
}

/** What is wrong with one instance is told with it; what is wrong with a store ends the call. */
async function settled(
  copying: Promise<Copied>,
): Promise<Pick<CopiedInstance, 'outcome' | 'bytes' | 'sha256' | 'error'>> {
  try {
    return await copying;
  } catch (error) {
    if (MotionError.is(error, 'LEASE_LOST')) return { outcome: 'busy', bytes: 0, error };
    if (MotionError.is(error) || StoreError.is(error, 'too_large')) return { outcome: 'failed', bytes: 0, error };
    throw error;
  }
}

/** In the order of their names from the last one on. */
async function partitionsOf(store: Store, component: string): Promise<string[]> {
  const found = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await store.scan({ prefix: partitionPrefix(component) }, cursor);
    for (const partition of page.partitions) if (parsePartition(partition)) found.add(partition);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return [...found];
}

function checked(from: Store, to: Store, options: CopyOptions) {
  assertOptionNames(NAMES, options, 'copyInstances()');
  const { components, mode = 'move', concurrency = CONCURRENCY, storeTimeoutMs = PATIENCE_MS } = options;
  const { env = systemEnv, signal } = options;
  if (from === to) throw invalid('copyInstances() takes two stores, and was given one twice');
  if (!Array.isArray(components) || components.length === 0)
    throw invalid(`the option 'components' of copyInstances() must be an array of classes or names`);
  const names = components.map((component: unknown) => {
    if (typeof component === 'string' && component !== '') return component;
    if (isComponentClass(component)) return define(component as ComponentClass).name;
    throw invalid(`the option 'components' of copyInstances() has ${String(component)}: give classes or names`);
  });
  if (mode !== 'move' && mode !== 'copy')
    throw invalid(`the option 'mode' of copyInstances() must be 'move' or 'copy', not ${JSON.stringify(mode)}`);
  if (!Number.isSafeInteger(concurrency) || concurrency < 1)
    throw invalid(`the option 'concurrency' of copyInstances() must be a whole number from 1, not ${concurrency}`);
  if (typeof storeTimeoutMs !== 'number' || !(storeTimeoutMs >= 1))
    throw invalid(`the option 'storeTimeoutMs' of copyInstances() must be milliseconds from 1, not ${storeTimeoutMs}`);
  return { mode, concurrency, env, signal, names: new Set(names), storeTimeoutMs };
}

function invalid(message: string): MotionError {
  return new MotionError('INVALID_OPTIONS', message);
}
