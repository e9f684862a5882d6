import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { Component, type InitParams, InitState, Motion, Serve, type State, Update } from '@motion-ts/core';
import { createTable, DynamoDBStore } from '@motion-ts/dynamodb';
import { expect, inject, test } from 'vitest';
import { clientOf, fresh } from './local.js';

const MiB = 2 ** 20;

class LibraryComponent extends Component<{
  params: { shelves: number };
  state: Record<string, string | number>;
  flows: { look: { result: number }; add: { result: number }; fill: { props: { text: string }; result: number } };
}> {
  static readonly componentName = 'Library';

  @InitState() setup({ shelves }: InitParams<LibraryComponent>) {
    const all = Array.from({ length: shelves }, (_, i) => [`shelf${i}`, String(i).repeat(5 * MiB)]);
    return { count: 0, ...(Object.fromEntries(all) as Record<string, string>) };
  }

  @Serve(['look', 'add', 'fill']) async size(state: State<LibraryComponent>) {
    return Object.values(state).reduce<number>((sum, one) => sum + (typeof one === 'string' ? one.length : 0), 0);
  }

  @Update('add') async count(state: State<LibraryComponent>) {
    return { count: Number(state['count']) + 1 };
  }

  @Update('fill') async replace(_: State<LibraryComponent>, { text }: { text: string }) {
    return { shelf0: text };
  }
}

test('a state of 20 MiB, in keys of 5 MiB, is written, read by another, changed and cleared', {
  timeout: 120_000,
}, async () => {
  const client = clientOf(inject('serverUrl'));
  const tableName = fresh('big');
  await createTable(client, { tableName });
  const motionOf = (): Motion => new Motion({ store: new DynamoDBStore({ client, tableName, timeoutMs: 30_000 }) });
  const first = motionOf();
  const second = motionOf();
  const ms = async (what: string, work: () => Promise<void>): Promise<void> => {
    const began = performance.now();
    await work();
    console.log(`${what}: ${Math.round(performance.now() - began)} ms`);
  };
  await ms('made', async () => {
    const library = await first.instance(LibraryComponent, 'main', { init: { shelves: 4 } });
    expect(await library.run('look')).toBe(20 * MiB);
  });
  const other = second.instance(LibraryComponent, 'main', { existing: true });
  await ms('read by another', async () => expect(await (await other).run('look')).toBe(20 * MiB));
  const library = await other;
  await ms('20 updates of a small key', async () => {
    for (let n = 0; n < 20; n++) await library.run('add', undefined, { flushUpdates: true });
    expect(await library.readState('count')).toBe(20);
  });
  await ms('a key of 5 MiB replaced', async () => {
    const text = 'x'.repeat(5 * MiB);
    await library.run('fill', { text }, { flushUpdates: true });
    const again = await first.instance(LibraryComponent, 'main', { existing: true });
    expect(await again.readState('shelf0')).toBe(text);
  });
  await ms('cleared', async () => expect(await second.clear(LibraryComponent, 'main')).toBe(true));
  const left = await client.send(new ScanCommand({ TableName: tableName, Select: 'COUNT' }));
  expect(left.Count).toBe(0);
  await Promise.all([first.close(), second.close()]);
  client.destroy();
});
