import { attacks } from '@motion-ts/test-harness';
import { startPostgres } from '@motion-ts/test-harness/servers';
import { afterAll, describe, test } from 'vitest';

const nightly = process.env['MOTION_NIGHTLY'] === '1';

const server = await startPostgres();
afterAll(() => server.stop());

attacks({
  describe,
  test,
  name: 'PostgresStore',
  server: { ...server, restartable: server.process },
  serverClock: true,
  store: (argument) => ({ module: new URL('./open.mjs', import.meta.url), argument }),
  size: nightly ? 'large' : 'small',
});
