import type { Script } from './scripts/script.js';

/** Together they hold up a server for well under a millisecond. */
const MOST = 32;
const MOST_BYTES = 128 * 1024;

interface Batchable {
  readonly request: { readonly bytes: number };
}

/** Gathers what is asked for in one turn of the event loop, and gives it away when the turn ends. */
export class Batches<T extends Batchable> {
  readonly #send: (calls: readonly T[], script: Script) => void;
  readonly #waiting: Map<Script, T[]> = new Map();

  constructor(send: (calls: readonly T[], script: Script) => void) {
    this.#send = send;
  }

  add(script: Script, call: T): void {
    const waiting = this.#waiting.get(script);
    if (waiting !== undefined && waiting.length > 0) {
      waiting.push(call);
      return;
    }
    if (waiting === undefined) this.#waiting.set(script, [call]);
    else waiting.push(call);
    // Behind all microtasks: who was resolved by one answer asks again before this.
    process.nextTick(this.#flush, script);
  }

  #flush = (script: Script): void => {
    const waiting = this.#waiting.get(script) as T[];
    this.#waiting.set(script, []);
    let from = 0;
    let bytes = 0;
    for (let i = 0; i < waiting.length; i++) {
      const more = (waiting[i] as T).request.bytes;
      if (i > from && (i - from >= MOST || bytes + more > MOST_BYTES)) {
        this.#send(waiting.slice(from, i), script);
        from = i;
        bytes = 0;
      }
      bytes += more;
    }
    this.#send(from === 0 ? waiting : waiting.slice(from), script);
  };
}
