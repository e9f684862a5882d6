// A child process that appends to partition "p", and tells each acknowledged commit if it has a channel.
import { randomBytes } from 'node:crypto';
import { SqliteStore } from '@motion-ts/sqlite';

const [, , path, count] = process.argv;
const store = new SqliteStore({ path, synchronous: 'NORMAL', timeoutMs: 20_000 });
const session = randomBytes(8).toString('hex');
for (let i = 0; i < Number(count); i++) {
  const key = `k/${session}.${i}`;
  const result = await store.commit('p', {
    id: `${session}.${i}`,
    puts: [{ key, value: new Uint8Array(100) }],
    appends: [new Uint8Array(10)],
  });
  if (!result.ok) process.exit(1);
  process.send?.({ key, seq: result.seq });
}
await store.close();
process.disconnect?.();
