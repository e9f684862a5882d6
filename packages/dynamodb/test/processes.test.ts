import { type Store, StoreError } from '@motion-ts/core/store';
import { createTable, DynamoDBStore } from '@motion-ts/dynamodb';
import { conformance, openInProcess, type StoreInProcess } from '@motion-ts/test-harness';
import { afterAll, beforeAll, describe, inject, test } from 'vitest';
import { clientOf, fresh, local, SUPPORTS } from './local.js';

const url = inject('serverUrl');
const tableName = fresh('processes');
const client = clientOf(url);
/** One process for each namespace: to start one for each case would take longer than all the cases. */
const processes = new Map<string, Promise<StoreInProcess>>();

beforeAll(() => createTable(client, { tableName }));
afterAll(async () => {
  for (const one of processes.values()) await (await one).close();
  client.destroy();
});

/** The store of a process that outlives the case: to close it is but to stop using it. */
async function borrowed(namespace: string): Promise<Store> {
  const argument = { url, tableName, namespace };
  const opening =
    processes.get(namespace) ?? openInProcess({ module: new URL('./open.mjs', import.meta.url), argument });
  processes.set(namespace, opening);
  const store = await opening;
  let closed = false;
  return new Proxy(store, {
    get(target, name) {
      if (name === 'close')
        return async () => {
          closed = true;
        };
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) =>
        closed ? Promise.reject(new StoreError('closed', 'given back')) : member.apply(target, args);
    },
  });
}

let opened = 0;
conformance({
  describe,
  test,
  name: 'DynamoDBStore, here and in another process',
  // The first client of a case is here, the second in another process.
  open: async (namespace) =>
    opened++ % 2 === 0 ? new DynamoDBStore({ config: local(url), tableName, namespace }) : borrowed(namespace),
  supports: SUPPORTS,
});
