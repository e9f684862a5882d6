import { randomBytes } from 'node:crypto';
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';

/** How to reach a DynamoDB Local, which takes any credentials. */
export function local(url: string, more: DynamoDBClientConfig = {}): DynamoDBClientConfig {
  return { endpoint: url, region: 'local', credentials: { accessKeyId: 'any', secretAccessKey: 'any' }, ...more };
}

export function clientOf(url: string, more: DynamoDBClientConfig = {}): DynamoDBClient {
  return new DynamoDBClient(local(url, more));
}

/** A name that nothing else uses. */
export function fresh(what: string): string {
  return `${what}-${randomBytes(6).toString('hex')}`;
}

/** No `watch`: DynamoDB tells nobody of changes but by streams. Its indexes follow within moments. */
export const SUPPORTS = { watch: false, scanLagMs: 1000 };
