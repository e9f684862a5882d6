import { MotionError, StoreError } from '@motion-ts/core';

const OUTAGES: ReadonlySet<string> = new Set(['unknown', 'unavailable', 'full', 'closed']);

/** What a store may say although nobody made a mistake. */
export function isOutage(error: unknown): error is StoreError {
  return StoreError.is(error) && OUTAGES.has(error.code);
}

/** What a store says when nothing was applied, and never will be. */
export function isRefusal(error: unknown): boolean {
  return isOutage(error) && error.code !== 'unknown';
}

/** What is reported in the background although nobody made a mistake. */
export function isExpectedInBackground(error: unknown): boolean {
  if (isOutage(error)) return true;
  return MotionError.is(error) && ['TIMEOUT', 'LEASE_LOST', 'CLOSED', 'ABORTED'].includes(error.code);
}

/** An update became a dead letter because of the processes that died while it ran. */
export function isPoisoned(error: unknown): boolean {
  return error instanceof Error && /processes that died of it/.test(error.message);
}

/** An error as problems show it. */
export function describe(error: unknown): string {
  if (MotionError.is(error) || StoreError.is(error)) return `${error.name} ${error.code}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}

const HERE = new URL('.', import.meta.url).pathname;

/** An error of the users' own code: with their frames, without the simulator's. */
export function describeTheirs(error: unknown): string {
  const isOurs = (line: string): boolean =>
    /^\s*at /.test(line) && (line.includes(HERE) || /\(?node:|[\\/]node_modules[\\/]/.test(line));
  return describe(error)
    .split('\n')
    .filter((line) => line.trim() !== '' && !isOurs(line))
    .slice(0, 12)
    .join('\n');
}
