// Loaded by child processes, which run what was built.
import { DynamoDBStore } from '@motion-ts/dynamodb';

/** JSON only: `{ url, tableName, namespace, timeoutMs }`. */
export function open({ url, ...options }) {
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
  return new DynamoDBStore({ config: { endpoint: url, region: 'local', credentials }, ...options });
}
