import { startRedis } from '@motion-ts/test-harness/servers';
import type { TestProject } from 'vitest/node';

/** One server for all tests of this package, or the one of REDIS_URL. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['REDIS_URL'];
  if (given) {
    project.provide('serverUrl', given);
    return async () => {};
  }
  const server = await startRedis();
  project.provide('serverUrl', server.url);
  return () => server.stop();
}
