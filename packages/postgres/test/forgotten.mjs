// Uses a store, listens, and forgets to close it: nothing of that may keep the process alive.
import { PostgresStore } from '@motion-ts/postgres';

const store = new PostgresStore({ url: process.argv[2], namespace: process.argv[3] });
let told = 0;
store.watch(() => told++);
await Promise.all(
  Array.from({ length: 20 }, (_, i) => store.commit(`p${i}`, { id: `c.${i}`, appends: [new Uint8Array(1)] })),
);
await store.get('p1', ['a']);
if (told === 0) throw new Error('nobody was told');
