// Told a namespace, opens a store there, whose schema others make at the same moment, and commits.
import { PostgresStore } from '@motion-ts/postgres';

process.on('message', async ({ url, namespace }) => {
  const store = new PostgresStore({ url, namespace, timeoutMs: 20_000 });
  try {
    const result = await store.commit('p', { id: `c.${process.pid}`, appends: [new Uint8Array(1)] });
    process.send({ seq: result.seq });
  } catch (error) {
    process.send({ error: `${error.code}: ${error.message}` });
  }
  await store.close();
});
process.send('ready');
