import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { startPostgres } from '../../src/servers/index.js';

const CRASHES = 8;

/**
 * Connects again and again, and lets each connection's process compute, so that it hears of nothing for a while. From
 * another process, as this one waits for `ps` now and then.
 */
const KNOCK = `
const { Client } = require('pg');
let knocking = 0;
const knock = async () => {
  // More would but keep the machine busy.
  if (++knocking > 24) return;
  const client = new Client(process.argv[1]);
  client.on('error', () => {});
  await client.connect();
  process.stdout.write('in');
  await client.query('SELECT count(*) FROM generate_series(1, 2000000)');
  await client.end();
};
setInterval(() => knock().catch(() => {}).finally(() => knocking--), 5);
`;

function knockAt(url: string): ChildProcess {
  return spawn(process.execPath, ['-e', KNOCK, url], { stdio: ['ignore', 'pipe', 'ignore'] });
}

test('a crash of PostgreSQL leaves no process of it behind, though others connect meanwhile', async () => {
  const server = await startPostgres({ durable: false });
  const knocking = knockAt(server.url);
  try {
    await once(knocking.stdout as NodeJS.ReadableStream, 'data');
    for (let crash = 0; crash < CRASHES; crash++) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      await server.process.kill();
      await server.process.restart();
    }
    expect(server.process.running).toBe(true);
  } finally {
    knocking.kill('SIGKILL');
    await once(knocking, 'exit');
    await server.stop();
  }
}, 120_000);
