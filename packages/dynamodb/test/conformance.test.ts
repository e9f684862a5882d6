import { readFileSync } from 'node:fs';
import { createTable, DynamoDBStore } from '@motion-ts/dynamodb';
import { conformance, TcpProxy } from '@motion-ts/test-harness';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { clientOf, fresh, SUPPORTS } from './local.js';

/** All 300 random runs, however slow the machine. */
const nightly = process.env['MOTION_NIGHTLY'] === '1';
const url = inject('serverUrl');
const tableName = fresh('conformance');
const admin = clientOf(url);
/** What IAM would be asked for. */
const actions = new Set<string>();

/** Long enough for a slow machine, short enough to wait for with the server away. */
const timeoutMs = 4000;
await createTable(admin, { tableName });
const proxy = await TcpProxy.start({ port: Number(new URL(url).port) });
afterAll(async () => {
  admin.destroy();
  await proxy.close();
});

/** A store whose requests are noted. */
function noted(namespace: string): DynamoDBStore {
  const client = clientOf(proxy.url(url));
  client.middlewareStack.add((next, context) => (args) => {
    const name = String(context['commandName']).replace(/Command$/, '');
    const items = (args.input as { TransactItems?: object[] }).TransactItems;
    // A transaction is allowed to do what each of its items is.
    for (const item of items ?? []) for (const kind of Object.keys(item)) actions.add(`dynamodb:${kind}Item`);
    if (!items) actions.add(`dynamodb:${name}`);
    return next(args);
  });
  const store = new DynamoDBStore({ client, tableName, namespace, timeoutMs });
  const close = store.close.bind(store);
  store.close = () => close().then(() => client.destroy());
  return store;
}

conformance({
  describe,
  test,
  name: 'DynamoDBStore, two clients',
  modelBudgetMs: nightly ? 600_000 : 120_000,
  open: async (namespace) => noted(namespace),
  supports: SUPPORTS,
  process: {
    module: new URL('./open.mjs', import.meta.url),
    argument: (namespace) => ({ url, tableName, namespace }),
  },
  faults: proxy.faults(timeoutMs),
});

test("the README's policy allows what the conformance suite made the store send, and nothing else", () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const policy = JSON.parse(/```json\n(\{\s+"Version"[\s\S]*?)```/.exec(readme)?.[1] ?? '') as {
    Statement: { Action: string[] }[];
  };
  expect(policy.Statement.flatMap(({ Action }) => Action).sort()).toEqual([...actions].sort());
});
