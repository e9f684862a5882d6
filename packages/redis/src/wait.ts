import { StoreError } from '@motion-ts/core/store';
import type { ScriptAnswer } from './calls.js';
import type { Connection } from './connection.js';

/**
 * Sends a WAIT right behind a commit, on the same connection. A commit that is refused is waited for, too: what stood in
 * its way may be its own earlier sending, which would else pass for done without a replica that has it.
 *
 * @param answer the commit's, sent just before
 * @throws StoreError `unknown` if what the commit did, or met, is not on enough replicas in time
 */
export async function withReplicas(
  connection: Connection,
  { replicas, timeoutMs }: { readonly replicas: number; readonly timeoutMs: number },
  answer: Promise<ScriptAnswer>,
): Promise<ScriptAnswer> {
  const waited = connection.send(['wait', String(replicas), String(timeoutMs)]).then(
    (count) => ({ count: Number(count) }),
    (error: unknown) => ({ count: 0, error }),
  );
  const value = await answer;
  const reached = await waited;
  const [, errors] = value;
  // One that failed changed nothing, and says why.
  if (reached.count < replicas && errors.length === 0)
    throw new StoreError(
      'unknown',
      `the server ran a commit, but ${reached.count} of ${replicas} replicas had all that it has within ${timeoutMs} ms: a failover may lose some of it`,
      'error' in reached ? { cause: reached.error } : {},
    );
  return value;
}
