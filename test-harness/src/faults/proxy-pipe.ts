import { connect, type Socket } from 'node:net';
import type { ProxyTarget } from './proxy-target.js';

/** What becomes of bytes: they arrive; are lost; arrive when it is `open` again; only those of the server are lost. */
export type PipeMode = 'open' | 'hang' | 'hold' | 'mute';
/** What becomes of one reply: none of it arrives, or half. Then the connection is cut. */
export type ReplyFate = 'drop' | 'half';

/** What a pipe asks of, and tells, its proxy. */
export interface PipeOwner {
  ended(): void;
  cut(): void;
  /** A request came: what is to become of its reply? */
  fate(): ReplyFate | undefined;
}

/** One connection through a proxy. */
export class Pipe {
  delayMs = 0;
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #owner: PipeOwner;
  readonly #requests: Lane;
  readonly #replies: Lane;
  #mode: PipeMode = 'open';
  #fate: ReplyFate | undefined;
  #lostBytes = false;
  #over = false;

  constructor(client: Socket, { host = '127.0.0.1', port }: ProxyTarget, owner: PipeOwner) {
    this.#client = client;
    this.#upstream = connect({ host, port, allowHalfOpen: true, noDelay: true });
    this.#owner = owner;
    this.#requests = new Lane(this.#upstream);
    this.#replies = new Lane(client);
    // Nobody listens there: that is what the client is to see.
    const refused = (): unknown => (client.writableEnded ? client.destroy() : client.resetAndDestroy());
    this.#upstream.once('error', refused);
    this.#upstream.once('connect', () => this.#upstream.off('error', refused));
    client.on('data', (bytes) => this.#request(bytes));
    this.#upstream.on('data', (bytes) => this.#reply(bytes));
    for (const [from, to] of [
      [client, this.#requests],
      [this.#upstream, this.#replies],
    ] as const) {
      from.on('error', () => {});
      // However it ended, what it had sent is still on its way.
      from.on('end', () => to.end());
      from.on('close', () => {
        to.end();
        if (client.destroyed && this.#upstream.destroyed) this.#end();
      });
    }
  }

  setMode(mode: PipeMode): void {
    if (mode === 'open' && this.#lostBytes) {
      this.cut('reset');
      return;
    }
    this.#mode = mode;
    this.#requests.held = mode === 'hold' || mode === 'hang';
    this.#replies.held = mode !== 'open';
  }

  cut(how: 'reset' | 'end'): void {
    if (this.#over) return;
    for (const socket of [this.#client, this.#upstream]) {
      // Of one that was ended, libuv refuses the reset, and Node then never closes the handle nor exits.
      if (how === 'reset' && !socket.writableEnded) socket.resetAndDestroy();
      else socket.destroy();
    }
    this.#owner.cut();
    this.#end();
  }

  #request(bytes: Buffer): void {
    if (this.#mode === 'hang') {
      this.#lostBytes = true;
      return;
    }
    this.#fate ??= this.#owner.fate();
    this.#requests.send(bytes, this.delayMs);
  }

  #reply(bytes: Buffer): void {
    if (this.#mode === 'hang' || this.#mode === 'mute') {
      this.#lostBytes = true;
      return;
    }
    if (this.#fate === undefined) this.#replies.send(bytes, this.delayMs);
    else if (this.#fate === 'drop') this.cut('reset');
    else {
      this.#upstream.destroy();
      this.#owner.cut();
      this.#client.end(bytes.subarray(0, bytes.length >> 1));
    }
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#requests.stop();
    this.#replies.stop();
    this.#owner.ended();
  }
}

/** One direction: bytes in their order, some time later. */
class Lane {
  readonly #to: Socket;
  readonly #queue: { readonly bytes: Buffer | undefined; readonly due: number }[] = [];
  #held = false;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(to: Socket) {
    this.#to = to;
  }

  set held(held: boolean) {
    this.#held = held;
    this.#flush();
  }

  send(bytes: Buffer, delayMs: number): void {
    this.#queue.push({ bytes, due: performance.now() + delayMs });
    this.#flush();
  }

  /** Behind all that was sent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#queue.push({ bytes: undefined, due: 0 });
    this.#flush();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#queue.length = 0;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    while (!this.#held) {
      const next = this.#queue[0];
      if (!next) return;
      const wait = next.due - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#flush(), wait);
        return;
      }
      this.#queue.shift();
      if (this.#to.destroyed) continue;
      if (next.bytes) this.#to.write(next.bytes);
      else this.#to.end();
    }
  }
}
