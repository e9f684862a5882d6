import { Motion, MotionError, type UpdateContext } from '@motion-ts/core';
import { MemoryStore } from '@motion-ts/memory';
import { SqliteStore } from '@motion-ts/sqlite';
import { Ledger } from './ledger.js';
import type { Order, Told } from './protocol.js';

const order = JSON.parse(process.argv[2] ?? '') as Order;
const { does, path, ttlMs = 500, from = 0, prefix = '', keyed = false } = order;
const tell = (told: Told): void => void process.stdout.write(`${JSON.stringify(told)}\n`);

async function beside(word: string, context: UpdateContext): Promise<string> {
  if (word.startsWith('kill')) process.kill(process.pid, 'SIGKILL');
  if (!word.startsWith('hold')) return word;
  tell({ running: word, epoch: context.epoch });
  context.signal.addEventListener('abort', () => {
    const { reason } = context.signal as AbortSignal;
    tell({ aborted: MotionError.is(reason) ? reason.code : String(reason) });
  });
  await new Promise((resolve) => setTimeout(resolve, 400));
  return `${word} by child`;
}

const store = path === undefined ? new MemoryStore() : new SqliteStore({ path });
const motion = new Motion({
  store,
  lease: { ttlMs },
  onError: (error) => tell({ told: String(error) }),
  logger: {
    debug: () => undefined,
    warn: (message) => tell({ told: message }),
    error: (message) => tell({ told: message }),
  },
});
motion.register(Ledger, () => new Ledger(beside));

if (does === 'work')
  process.once('SIGTERM', () => {
    motion.close().then(
      () => tell({ closed: true }),
      (error) => tell({ told: String(error) }),
    );
  });
// A worker alone keeps no process alive: somebody must want it.
const alive = does === 'work' ? setInterval(() => undefined, 1_000) : undefined;
if (alive) process.once('SIGTERM', () => clearInterval(alive));

if (does === 'call') {
  const ledger = await motion.instance(Ledger, 'a');
  for (let n = from; ; n++) {
    const word = `${prefix}${n}`;
    await ledger.run('add', { word }, keyed ? { idempotencyKey: word } : {});
    tell({ acknowledged: n });
  }
}

if (does === 'end') {
  const ledger = await motion.instance(Ledger, 'a');
  const worker = motion.worker();
  const signal = new AbortController().signal;
  await Promise.all([1, 2, 3].map((n) => ledger.run('add', { word: `${n}` }, { flushUpdates: true, signal })));
  await ledger.writeState({ log: [] }, { signal });
  const other = await motion.instance(Ledger, 'b');
  await other.run('add', { word: 'left to the next start' });
  await worker.close();
  await motion.close();
  tell({ closed: true });
}
