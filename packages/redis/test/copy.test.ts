import { RedisStore } from '@motion-ts/redis';
import { inject, onTestFinished, test } from 'vitest';
import { moveAlong, NARROW, Narrow, sqlite } from '../../core/test/copy/stores.js';

test('instances move from SQLite to Redis, and on to another namespace and to a narrow store', async () => {
  const [one, two] = ['one', 'two'].map((name) => {
    const namespace = `copy-${name}-${process.pid}-${Date.now()}`;
    const store = new RedisStore({ url: inject('serverUrl'), namespace, onWarning: () => {} });
    onTestFinished(() => store.close());
    return store;
  }) as [RedisStore, RedisStore];
  await moveAlong([sqlite(), one, two, new Narrow(NARROW)]);
});
