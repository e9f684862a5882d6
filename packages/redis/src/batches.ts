import type { Script } from './scripts/script.js';

/** Together they hold up a server for well under a millisecond. */
const MOST = 64;
const MOST_BYTES = 128 * 1024;
/** Requests of one script that are under way at the same time: one on its way there, one at work, one on its way back. */
const LANES = 3;

interface Batchable {
  readonly request: { readonly values: Buffer };
  /** It settled without having been sent. */
  readonly expired: boolean;
}

/** What is asked of one script. */
interface Queue<T> {
  waiting: T[];
  underWay: number;
  flushing: boolean;
}

/**
 * Lets calls of one script share requests: those of one turn of the event loop, and, while enough is under way, those of
 * all turns until an answer comes. A lone caller waits for nobody; the more there are, the more share a request.
 */
export class Batches<T extends Batchable> {
  readonly #send: (calls: readonly T[]) => Promise<void>;
  readonly #queues: Map<Script, Queue<T>> = new Map();

  /** @param send settles every call; its promise ends when that is done */
  constructor(send: (calls: readonly T[]) => Promise<void>) {
    this.#send = send;
  }

  add(script: Script, call: T): void {
    let queue = this.#queues.get(script);
    if (queue === undefined) {
      queue = { waiting: [], underWay: 0, flushing: false };
      this.#queues.set(script, queue);
    }
    queue.waiting.push(call);
    this.#flushSoon(script, queue);
  }

  #flushSoon(script: Script, queue: Queue<T>): void {
    if (queue.flushing || queue.underWay >= LANES) return;
    queue.flushing = true;
    // Behind all microtasks: who was resolved by one answer asks again before this.
    process.nextTick(this.#flush, script, queue);
  }

  #flush = (script: Script, queue: Queue<T>): void => {
    queue.flushing = false;
    while (queue.waiting.length > 0 && queue.underWay < LANES) {
      const calls = next(queue);
      if (calls.length === 0) continue;
      queue.underWay++;
      const done = (): void => {
        queue.underWay--;
        if (queue.waiting.length > 0) this.#flushSoon(script, queue);
      };
      void this.#send(calls).then(done, done);
    }
  };
}

/** Takes as many as go together off a queue. */
function next<T extends Batchable>(queue: Queue<T>): T[] {
  const { waiting } = queue;
  let bytes = 0;
  let taken = 0;
  for (const { request } of waiting) {
    bytes += request.values.byteLength;
    if (taken > 0 && (taken >= MOST || bytes > MOST_BYTES)) break;
    taken++;
  }
  const calls = taken === waiting.length ? waiting : waiting.slice(0, taken);
  queue.waiting = taken === waiting.length ? [] : waiting.slice(taken);
  return calls.filter((call) => !call.expired);
}
