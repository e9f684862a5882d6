import { StoreError } from '@motion-ts/core/store';
import { createTable, DynamoDBStore } from '@motion-ts/dynamodb';
import { type DynamoDBServer, startDynamoDB } from '@motion-ts/test-harness/servers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientOf, fresh, local } from './local.js';

// A server of its own, which is killed, brought back and made to hang.

const tableName = 'outages';
const timeoutMs = 1500;
/** Of 30 and more. */
const MOST_LOST = 3;
let server: DynamoDBServer;
let store: DynamoDBStore;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

beforeAll(async () => {
  server = await startDynamoDB({ durable: true });
  const client = clientOf(server.url);
  await createTable(client, { tableName });
  client.destroy();
  store = new DynamoDBStore({ config: local(server.url), tableName, timeoutMs });
}, 90_000);
afterAll(async () => {
  await store?.close();
  await server?.stop();
});

const CALLS: [string, boolean, (of: DynamoDBStore, partition: string) => Promise<unknown>][] = [
  ['open', false, (of) => of.open()],
  ['get', false, (of, p) => of.get(p, ['root'])],
  ['get of several', false, (of, p) => of.get(p, ['a', 'b'])],
  ['list', false, (of, p) => of.list(p, { prefix: '', limit: 5 })],
  ['commit of one', true, (of, p) => of.commit(p, { id: fresh('c'), puts: [{ key: 'a', value: bytes('1') }] })],
  ['commit of several', true, (of, p) => of.commit(p, { id: fresh('c'), appends: [bytes('1')], due: { in: 0 } })],
  ['commit of checks', false, (of, p) => of.commit(p, { id: fresh('c'), checks: [{ key: 'a', rev: null }] })],
  ['scan of what is due', false, (of) => of.scan({ due: true })],
  ['scan of names', false, (of, p) => of.scan({ prefix: p })],
  ['cacheGet', false, (of, p) => of.cacheGet(p, 'a')],
  ['cacheSet', false, (of, p) => of.cacheSet(p, 'a', bytes('1'), 1000)],
  ['cacheClear', false, (of, p) => of.cacheClear(p)],
];

/** Calls every method at once, of one store that is open and of one that is not. */
async function outcomes(): Promise<{ name: string; writes: boolean; opened: boolean; code: string; ms: number }[]> {
  const fresh1 = new DynamoDBStore({ config: local(server.url), tableName, timeoutMs });
  const all = await Promise.all(
    [store, fresh1].flatMap((of) =>
      CALLS.map(async ([name, writes, call]) => {
        const began = performance.now();
        const code = await call(of, fresh('p')).then(
          () => 'ok',
          (error: unknown) => (StoreError.is(error) ? error.code : `no StoreError: ${error}`),
        );
        return { name, writes, opened: of === store, code, ms: performance.now() - began };
      }),
    ),
  );
  await fresh1.close();
  return all;
}

describe('every call settles, with the right code, and works again afterwards', () => {
  /** A server that just began may be slow at first. */
  const works = async (): Promise<void> => {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const failed = (await outcomes()).filter(({ code }) => code !== 'ok');
      if (failed.length === 0) return;
      if (performance.now() > deadline) expect(failed).toEqual([]);
    }
  };

  test('while the server is down: nothing was sent, so nothing is unknown', { timeout: 90_000 }, async () => {
    await works();
    await server.process.kill();
    for (const { name, opened, code, ms } of await outcomes()) {
      // The first call on a connection that broke unseen may have been sent.
      if (opened && code === 'unknown') continue;
      // What is known to be open or takes no request needs none.
      if (opened && name === 'open') continue;
      expect([name, code]).toEqual([name, 'unavailable']);
      expect(ms).toBeLessThan(timeoutMs + 1000);
    }
    for (const { name, opened, code } of await outcomes())
      if (!(opened && name === 'open')) expect([name, code]).toEqual([name, 'unavailable']);
    await server.process.restart();
    await works();
  });

  test('while the server hangs: commits that were sent are unknown', { timeout: 90_000 }, async () => {
    await works();
    server.process.pause();
    for (const { name, writes, opened, code, ms } of await outcomes()) {
      expect(ms).toBeLessThan(timeoutMs + 1000);
      if (opened && name === 'open') continue;
      // A store that has not seen its table yet sends no commit.
      expect([name, code]).toEqual([name, writes && opened ? 'unknown' : 'unavailable']);
    }
    server.process.resume();
    await works();
  });

  // DynamoDB Local, unlike DynamoDB, may lose the newest transactions that it acknowledged when it ends.
  test.each([
    ['an orderly restart', 'stop'],
    ['a kill', 'kill'],
  ] as const)('after %s, what is there is a prefix of what was acknowledged', { timeout: 90_000 }, async (_, end) => {
    await works();
    const partition = fresh('p');
    let acknowledged = 0;
    let ended = false;
    const writing = (async () => {
      for (let n = 1; !ended; n++) {
        const commit = { id: fresh('c'), appends: [bytes(String(n))], due: { ifNullIn: 0 } };
        const result = await store.commit(partition, commit).catch(() => undefined);
        if (!result?.ok) return;
        acknowledged = result.seq as number;
      }
    })();
    while (acknowledged < 30) await new Promise((resolve) => setTimeout(resolve, 10));
    await server.process[end]();
    ended = true;
    await writing;
    await server.process.restart();
    await works();
    const { seq, dueIn } = await store.get(partition, []);
    expect(seq).toBeGreaterThanOrEqual(acknowledged - MOST_LOST);
    expect(dueIn).not.toBeNull();
    const entries = await store.list(partition, { prefix: 'q/', limit: 1000 });
    expect(entries.map(({ key }) => Number(key.slice(2)))).toEqual(Array.from({ length: seq }, (_, i) => i + 1));
  });
});
