import type { RetryOptions } from '../component/options.js';
import type { Env } from '../env.js';
import { MotionError } from '../errors.js';
import { assertOptionNames, type OptionNames } from '../option-names.js';
import { defaultQueueOptions, type QueueOptions } from '../queue/context.js';
import { OneAtATime } from '../queue/one-at-a-time.js';
import { type Codec, msgpackCodec } from '../state/codec.js';
import type { Store } from '../store/contract.js';
import { systemEnv } from '../system-env.js';
import { Turns } from '../turns.js';

/** Where a Motion writes what a person may want to know. `console` is one. */
export interface Logger {
  debug(message: string, ...details: unknown[]): void;
  warn(message: string, ...details: unknown[]): void;
  error(message: string, ...details: unknown[]): void;
}

/** What an error in the background belongs to. */
export interface BackgroundErrorInfo {
  readonly componentName: string;
  readonly instanceId: string;
  /** Set when an update failed. */
  readonly flow?: string;
  readonly update?: string;
  /** Whether the update became a dead letter; false: it will be tried again. */
  readonly dead?: boolean;
}

/** Options of {@link Motion}. */
export interface MotionOptions {
  /** Where all state lives. It is closed with the Motion, unless `closeStore` is false. */
  readonly store: Store;
  /**
   * `'background'` (default): this process runs queued updates, of its own calls and of others that it has classes for.
   * `'off'`: it only queues them, as a serverless function should; a `worker()` elsewhere runs them.
   */
  readonly updates?: 'background' | 'off';
  /** A process that shows no sign of life for `ttlMs` (default 10,000 ms) loses the instances whose updates it runs. */
  readonly lease?: { readonly ttlMs?: number };
  /** For updates that name none. Default: 3 attempts, the second after 200 ms, doubled for each further one up to 30,000 ms. */
  readonly retry?: RetryOptions;
  /** Default: {@link msgpackCodec}. The same for all processes that open the same instances. */
  readonly codec?: Codec;
  /** Default: warnings and errors go to the console. */
  readonly logger?: Logger;
  /** Hears of errors that no caller waits for: failed updates, a store that fails in the background. Default: the logger. */
  readonly onError?: (error: unknown, info: BackgroundErrorInfo) => void;
  /** Milliseconds after which a call gives up on a store that does not answer. Default: 30,000. */
  readonly storeTimeoutMs?: number;
  /** Milliseconds for which idempotency keys are remembered. Default: 604,800,000 (7 days). */
  readonly idempotencyMs?: number;
  /** Whether `close()` closes the store too. Default: true. */
  readonly closeStore?: boolean;
  /** The outside world: time, chance, ids. Only simulations give their own. */
  readonly env?: Env;
}

/** {@link MotionOptions}, checked and complete. */
export interface Settings {
  readonly store: Store;
  readonly env: Env;
  readonly codec: Codec;
  readonly logger: Logger;
  readonly background: boolean;
  readonly closeStore: boolean;
  readonly retry: Required<RetryOptions>;
  readonly queue: QueueOptions;
  readonly turns: Turns;
  readonly suspects: OneAtATime;
  /** What this Motion's writers are called in the store. */
  readonly session: string;
  readonly onError: (error: unknown, info: BackgroundErrorInfo) => void;
}

const NAMES: OptionNames<MotionOptions> = {
  store: true,
  updates: true,
  lease: true,
  retry: true,
  codec: true,
  logger: true,
  onError: true,
  storeTimeoutMs: true,
  idempotencyMs: true,
  closeStore: true,
  env: true,
};
const LEASE_NAMES: OptionNames<NonNullable<MotionOptions['lease']>> = { ttlMs: true };
const RETRY_NAMES: OptionNames<RetryOptions> = { attempts: true, backoffMs: true, maxBackoffMs: true };
const STORE_METHODS: readonly (keyof Store)[] = [
  'get',
  'list',
  'commit',
  'scan',
  'cacheGet',
  'cacheSet',
  'cacheClear',
  'close',
];
/** What Node's timers can hold. */
const LONGEST_MS = 2 ** 31 - 1;

/** @throws MotionError `INVALID_OPTIONS` */
export function settingsOf(options: MotionOptions): Settings {
  assertOptionNames(NAMES, options, 'new Motion()');
  const { store, updates = 'background', lease = {}, retry = {}, env = systemEnv, logger = consoleLogger } = options;
  const { onError, codec = msgpackCodec() } = options;
  assertOptionNames(LEASE_NAMES, lease, `'lease' of new Motion()`);
  assertOptionNames(RETRY_NAMES, retry, `'retry' of new Motion()`);
  if (onError !== undefined && typeof onError !== 'function') throw invalid(`the option 'onError' must be a function`);
  if (!hasMethods(logger, ['debug', 'warn', 'error']))
    throw invalid(`the option 'logger' must have debug, warn and error, as console has`);
  if (!hasMethods(codec, ['encode', 'decode']) || typeof codec.name !== 'string')
    throw invalid(`the option 'codec' must have a name, encode and decode`);
  const quietly = harmless(logger);
  if (!hasMethods(store, STORE_METHODS))
    throw invalid(`the option 'store' of new Motion() must be a store, such as new SqliteStore({ path })`);
  if (updates !== 'background' && updates !== 'off')
    throw invalid(`the option 'updates' must be 'background' or 'off', not ${JSON.stringify(updates)}`);
  const defaults = defaultQueueOptions;
  const attempts = retry.attempts ?? 3;
  if (!Number.isSafeInteger(attempts) || attempts < 1)
    throw invalid(`the option 'retry.attempts' must be a whole number from 1, not ${attempts}`);
  return {
    store,
    env,
    logger: quietly,
    codec,
    background: updates === 'background',
    closeStore: options.closeStore ?? true,
    retry: {
      attempts,
      backoffMs: milliseconds('retry.backoffMs', retry.backoffMs, 200, 0),
      maxBackoffMs: milliseconds('retry.maxBackoffMs', retry.maxBackoffMs, 30_000, 0),
    },
    turns: new Turns(env),
    suspects: new OneAtATime(),
    session: env.id(),
    queue: {
      ...defaults,
      ttlMs: milliseconds('lease.ttlMs', lease.ttlMs, defaults.ttlMs, 100),
      patienceMs: milliseconds('storeTimeoutMs', options.storeTimeoutMs, defaults.patienceMs, 1),
      keepMs: milliseconds('idempotencyMs', options.idempotencyMs, defaults.keepMs, 1),
    },
    onError: (error, info) => {
      if (!onError) return report(quietly, error, info);
      try {
        onError(error, info);
      } catch (thrown) {
        quietly.error('onError threw', thrown);
      }
    },
  };
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return (
    typeof value === 'object' && value !== null && names.every((name) => typeof Reflect.get(value, name) === 'function')
  );
}

/** A logger that throws must not stop what it only tells of. */
function harmless(logger: Logger): Logger {
  const line =
    (kind: keyof Logger) =>
    (message: string, ...details: unknown[]): void => {
      try {
        logger[kind](message, ...details);
      } catch {
        // There is nobody left to tell.
      }
    };
  return { debug: line('debug'), warn: line('warn'), error: line('error') };
}

function milliseconds(name: string, value: number | undefined, standard: number, least: number): number {
  if (value === undefined) return standard;
  if (typeof value !== 'number' || !(value >= least && value <= LONGEST_MS))
    throw invalid(
      `the option '${name}' must be a number of milliseconds from ${least} to ${LONGEST_MS}, not ${String(value)}`,
    );
  return value;
}

function invalid(message: string): MotionError {
  return new MotionError('INVALID_OPTIONS', message);
}

const consoleLogger: Logger = {
  debug: () => undefined,
  warn: (message, ...details) => console.warn(`motion: ${message}`, ...details),
  error: (message, ...details) => console.error(`motion: ${message}`, ...details),
};

function report(logger: Logger, error: unknown, info: BackgroundErrorInfo): void {
  const where = `${info.componentName}/${info.instanceId}`;
  if (info.update === undefined) logger.error(`${where}: running updates failed`, error);
  else if (info.dead)
    logger.error(`${where}: update '${info.update}' of flow '${info.flow}' is a dead letter now`, error);
  else logger.warn(`${where}: update '${info.update}' of flow '${info.flow}' failed and will be tried again`, error);
}
