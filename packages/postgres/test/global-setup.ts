import { type PostgresServer, startPostgres } from '@motion-ts/test-harness/servers';
import type { TestProject } from 'vitest/node';

/** One server for all tests of this package: that of DATABASE_URL, or one of its own. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['DATABASE_URL'];
  let server: PostgresServer | undefined;
  if (given === undefined) server = await startPostgres();
  project.provide('serverUrl', given ?? (server as PostgresServer).url);
  return async () => server?.stop();
}
