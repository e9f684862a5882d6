import { readFileSync } from 'node:fs';
import { Component, Motion } from '@motion-ts/core';
import type { Store } from '@motion-ts/core/store';
import { DynamoDBStore } from '@motion-ts/dynamodb';
import { MemoryStore } from '@motion-ts/memory';
import { PostgresStore } from '@motion-ts/postgres';
import { RedisStore } from '@motion-ts/redis';
import { SqliteStore } from '@motion-ts/sqlite';
import { expect, onTestFinished, test } from 'vitest';

const page = readFileSync(new URL('../../docs/stores.md', import.meta.url), 'utf8');

/** Those of the page, in its order. None of them is connected to anything. */
function stores(): Store[] {
  const all = [
    new MemoryStore(),
    new SqliteStore({ path: ':memory:' }),
    new PostgresStore({ url: 'postgres://127.0.0.1:1/none' }),
    new RedisStore({ url: 'redis://127.0.0.1:1' }),
    new DynamoDBStore({ config: { region: 'none', endpoint: 'http://127.0.0.1:1' } }),
  ];
  onTestFinished(() => Promise.all(all.map((store) => store.close())).then(() => {}));
  return all;
}

/** The numbers of a row of the page's tables. */
function row(title: string): number[] {
  const line = page.split('\n').find((one) => one.startsWith(`| ${title} |`));
  expect(line, `the page has no row '${title}'`).toBeDefined();
  return (line as string)
    .split('|')
    .slice(2, -1)
    .map((cell) => Number(cell.replaceAll(',', '')));
}

test('the size of a value in one piece is what each store says', () => {
  expect(row('bytes of a value that is kept in one piece')).toEqual(stores().map(({ limits }) => limits.valueBytes));
});

class Wide extends Component<{ state: { [key: string]: number } }> {}

test('the keys that one update may change are as many as a commit takes, and not one more', async () => {
  const most = row('keys of the state that one update may change');
  for (const [n, { limits }] of stores().entries()) {
    // The limits are the store's, the rest is quick.
    const store = Object.defineProperty(new MemoryStore(), 'limits', { value: limits });
    const motion = new Motion({ store });
    const wide = await motion.instance(Wide, 'a');
    const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, key) => [`k${key}`, key]));
    await expect(wide.writeState(keys((most[n] as number) + 1))).rejects.toMatchObject({ code: 'INVALID_PATCH' });
    await wide.writeState(keys(most[n] as number));
    await motion.close();
  }
});
