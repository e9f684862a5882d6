/** Checks the options that decorators were given. Anything may come: not all callers are compiled by TypeScript. */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { CacheOptions, DiscardOptions, RetryOptions } from './options.js';

/** Tells what is wrong; checking goes on. Gives undefined: what a check without a result returns. */
export type Report = (problem: string) => undefined;

/** Checked options of `@Serve`. */
export interface ServeSettings {
  readonly schema?: StandardSchemaV1;
  readonly cache?: Readonly<Required<CacheOptions>>;
  readonly timeoutMs?: number;
}

/** Checked options of `@Update`. */
export interface UpdateSettings {
  readonly name?: string;
  readonly schema?: StandardSchemaV1;
  readonly discard?: Readonly<DiscardOptions>;
  readonly retry?: Readonly<RetryOptions>;
  readonly timeoutMs?: number;
}

/** What Node's timers can hold. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const LONGEST_NAME = 200;

type Fields = Readonly<Record<string, unknown>>;
type Check<T> = (value: unknown, label: string, report: Report) => T | undefined;
type Checks<T> = { readonly [K in keyof T]-?: Check<Exclude<T[K], undefined>> };

/** Checks a name of a flow or an update; gives what is wrong with it. */
export function nameProblem(name: unknown, longest: number = LONGEST_NAME): string | undefined {
  if (typeof name !== 'string') return `must be a string, not ${show(name)}`;
  if (name === '') return 'must not be empty';
  if (name.length > longest) return `must not be longer than ${longest} characters`;
  if (!name.isWellFormed()) return `must be well-formed, not ${show(name)}`;
  return undefined;
}

export function serveSettings(options: unknown, report: Report): ServeSettings {
  const { props, ...rest } = fields({ props: schema, cache, timeoutMs: above0(LONGEST_TIMER_MS) }, options, '', report);
  return Object.freeze({ ...rest, ...(props && { schema: props }) });
}

export function updateSettings(options: unknown, report: Report): UpdateSettings {
  const { props, ...rest } = fields(
    { name, props: schema, discard, retry, timeoutMs: above0(LONGEST_TIMER_MS) },
    options,
    '',
    report,
  );
  return Object.freeze({ ...rest, ...(props && { schema: props }) });
}

/** Checks an object member by member. What is left out or wrong is not in the result. */
function fields<T extends object>(checks: Checks<T>, value: unknown, label: string, report: Report): Partial<T> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report(`${label ? `'${label}'` : 'the options'} must be an object, not ${show(value)}`);
    return {};
  }
  const given = value as Fields;
  const path = (key: string): string => (label ? `${label}.${key}` : key);
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(checks, key))
      report(`unknown option '${path(key)}'; there are ${Object.keys(checks).map(path).join(', ')}`);
  }
  const result: Partial<T> = {};
  for (const key of Object.keys(checks) as (keyof T & string)[]) {
    if (given[key] === undefined) continue;
    const checked = checks[key](given[key], path(key), report);
    if (checked !== undefined) result[key] = checked as T[typeof key];
  }
  return result;
}

const name: Check<string> = (value, label, report) => {
  const problem = nameProblem(value);
  if (problem) return report(`'${label}' ${problem}`);
  return value as string;
};

const schema: Check<StandardSchemaV1> = (value, label, report) => {
  if (isSchema(value)) return value;
  return report(`'${label}' must be a Standard Schema (zod, valibot, arktype ...), not ${show(value)}`);
};

/** Whether a value implements Standard Schema. Those of arktype are functions. */
export function isSchema(value: unknown): value is StandardSchemaV1 {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false;
  const standard = (value as { '~standard'?: { validate?: unknown } | null })['~standard'];
  return typeof standard === 'object' && standard !== null && typeof standard.validate === 'function';
}

const number =
  (fits: (value: number) => boolean, range: string): Check<number> =>
  (value, label, report) => {
    if (typeof value === 'number' && Number.isFinite(value) && fits(value)) return value;
    return report(`'${label}' must be ${range}, not ${show(value)}`);
  };
const above0 = (most: number = Number.MAX_SAFE_INTEGER): Check<number> =>
  number(
    (n) => n > 0 && n <= most,
    most === LONGEST_TIMER_MS ? `a number above 0 and at most ${most}` : 'a number above 0',
  );
const from0: Check<number> = number((n) => n >= 0, 'a number from 0');
const wholeFrom1: Check<number> = number((n) => n >= 1 && Number.isSafeInteger(n), 'a whole number from 1');

const scope: Check<Required<CacheOptions>['scope']> = (value, label, report) => {
  if (value === 'state-version' || value === 'any-version') return value;
  return report(`'${label}' must be 'state-version' or 'any-version', not ${show(value)}`);
};

const cache: Check<Readonly<Required<CacheOptions>>> = (value, label, report) => {
  const given = fields<CacheOptions>({ ttlMs: above0(), scope }, value, label, report);
  if (given.ttlMs !== undefined) return Object.freeze({ ttlMs: given.ttlMs, scope: given.scope ?? 'state-version' });
  if (isBare(value, 'ttlMs')) report(`'${label}' needs ttlMs`);
  return undefined;
};

const discard: Check<Readonly<DiscardOptions>> = (value, label, report) => {
  type Both = { afterUpdates?: number; afterMs?: number };
  const given = fields<Both>({ afterUpdates: wholeFrom1, afterMs: above0() }, value, label, report);
  if (isBare(value, 'afterUpdates') && isBare(value, 'afterMs')) report(`'${label}' needs afterUpdates or afterMs`);
  return Object.freeze(given) as DiscardOptions;
};

const retry: Check<Readonly<RetryOptions>> = (value, label, report) => {
  const given = fields<RetryOptions>(
    { attempts: wholeFrom1, backoffMs: from0, maxBackoffMs: from0 },
    value,
    label,
    report,
  );
  if ((given.maxBackoffMs ?? Infinity) < (given.backoffMs ?? 0))
    report(`'${label}.maxBackoffMs' must not be below '${label}.backoffMs'`);
  return Object.freeze(given);
};

/** Whether an object lacks a key: one that has it, but wrong, was reported already, and so was no object. */
function isBare(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && (value as Fields)[key] === undefined;
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
