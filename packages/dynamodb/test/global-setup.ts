import { startDynamoDB } from '@motion-ts/test-harness/servers';
import type { TestProject } from 'vitest/node';

// Once for each process of the tests would be enough to bury what they print.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

/** One server for all tests of the project: DYNAMODB_ENDPOINT, or one of our own. */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env['DYNAMODB_ENDPOINT'];
  if (given !== undefined) {
    project.provide('serverUrl', given);
    return undefined;
  }
  const server = await startDynamoDB();
  project.provide('serverUrl', server.url);
  return () => server.stop();
}
