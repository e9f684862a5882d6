import { StoreError } from '@motion-ts/core/store';
import type { Connection } from './connection.js';

/**
 * Sends a WAIT right behind a commit, on the same connection.
 *
 * @param answer the commit's, sent just before
 * @throws StoreError `unknown` if the commit was applied, but not by enough replicas in time
 */
export async function withReplicas(
  connection: Connection,
  { replicas, timeoutMs }: { readonly replicas: number; readonly timeoutMs: number },
  answer: Promise<unknown>,
): Promise<unknown> {
  const waited = connection.send(['wait', String(replicas), String(timeoutMs)]).then(
    (count) => ({ count: Number(count) }),
    (error: unknown) => ({ count: 0, error }),
  );
  const value = await answer;
  // A conflict changed nothing that a replica might lack.
  if (Array.isArray(value)) return value;
  const reached = await waited;
  if (reached.count < replicas)
    throw new StoreError(
      'unknown',
      `a commit was applied, but ${reached.count} of ${replicas} replicas had it within ${timeoutMs} ms: a failover may lose it`,
      'error' in reached ? { cause: reached.error } : {},
    );
  return value;
}
