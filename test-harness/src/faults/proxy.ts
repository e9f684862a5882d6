import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { Faults } from '../conformance/options.js';
import { Pipe, type PipeMode, type ReplyFate } from './proxy-pipe.js';
import type { ProxyTarget } from './proxy-target.js';

/**
 * A TCP proxy on the loopback interface that does to connections what networks do: it cuts them, refuses them, delays
 * them, lets them hang, and loses replies of requests that the server carried out. It knows no protocol.
 *
 * @example
 * const proxy = await TcpProxy.start({ port: 6379 });
 * const store = new RedisStore({ url: proxy.url('redis://127.0.0.1:6379') });
 * proxy.dropReplies(1); // the next request is carried out, and its connection cut instead of an answer
 * await proxy.restore();
 * await proxy.close();
 */
export class TcpProxy {
  /** Connections that were cut by this proxy so far, of whatever fault. */
  cuts = 0;
  /** Connections that were accepted so far. */
  accepted = 0;
  readonly #target: Required<ProxyTarget>;
  readonly #pipes: Set<Pipe> = new Set();
  #server: Server | undefined;
  #port = 0;
  #mode: PipeMode = 'open';
  #delayMs = 0;
  #doomed: { readonly fate: ReplyFate; left: number } | undefined;

  private constructor(target: ProxyTarget) {
    this.#target = { host: '127.0.0.1', ...target };
  }

  /** Starts one on a free port. */
  static async start(target: ProxyTarget): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await proxy.#listen();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#pipes.size;
  }

  /** A server's URL, but through this proxy. */
  url(direct: string): string {
    const url = new URL(direct);
    url.hostname = '127.0.0.1';
    url.port = String(this.#port);
    return url.href;
  }

  /**
   * Ends all connections; new ones are welcome.
   *
   * @param how `reset`, as by a crash or a firewall (default); `end`, in good order
   */
  cut(how: 'reset' | 'end' = 'reset'): void {
    for (const pipe of [...this.#pipes]) pipe.cut(how);
  }

  /** New connections are refused, until {@link restore}. Those that are open stay so. */
  refuse(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  /** Bytes arrive so many milliseconds later, either way. */
  delay(ms: number): void {
    this.#delayMs = ms;
    for (const pipe of this.#pipes) pipe.delayMs = ms;
  }

  /**
   * Connections stay open and are accepted, but nothing arrives, until {@link restore}. What the clients send meanwhile is
   * lost, and a connection that lost bytes is cut then.
   */
  hang(): void {
    this.#setMode('hang');
  }

  /** As {@link hang}, but what was sent arrives on {@link restore}: requests too whose client has long given up. */
  hold(): void {
    this.#setMode('hold');
  }

  /** Requests arrive and are carried out, answers do not, until {@link restore}. */
  mute(): void {
    this.#setMode('mute');
  }

  /** The next `count` connections to send a request are cut instead of getting the answer to it. */
  dropReplies(count: number): void {
    this.#doomed = { fate: 'drop', left: count };
  }

  /** The next `count` connections to send a request get half of the answer to it, and are cut. */
  cutReplies(count: number): void {
    this.#doomed = { fate: 'half', left: count };
  }

  /**
   * What `conformance` does to a server that is reached through this proxy. What was sent while it was silent arrives when
   * that is over: later than its caller thinks.
   *
   * @param timeoutMs the store's declared timeout, in ms
   * @example
   * conformance({ describe, test, name: 'MyStore', open, faults: proxy.faults(1_500) });
   */
  faults(timeoutMs: number): Required<Omit<Faults, 'crash'>> {
    return {
      timeoutMs,
      cut: async () => {
        this.refuse();
        this.cut();
      },
      hang: async () => this.hold(),
      restore: () => this.restore(),
    };
  }

  /** All is well again. */
  async restore(): Promise<void> {
    this.#doomed = undefined;
    this.delay(0);
    this.#setMode('open');
    if (!this.#server) await this.#listen();
  }

  /** Cuts everything, and listens no more. */
  async close(): Promise<void> {
    this.refuse();
    this.cut();
  }

  #setMode(mode: PipeMode): void {
    this.#mode = mode;
    for (const pipe of [...this.#pipes]) pipe.setMode(mode);
  }

  async #listen(): Promise<void> {
    // Half-open: what one side still has to say is passed on after the other has ended.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      this.accepted++;
      const pipe = new Pipe(client, this.#target, {
        ended: () => this.#pipes.delete(pipe),
        cut: () => this.cuts++,
        fate: () => {
          if (!this.#doomed || this.#doomed.left === 0) return undefined;
          this.#doomed.left--;
          return this.#doomed.fate;
        },
      });
      this.#pipes.add(pipe);
      pipe.delayMs = this.#delayMs;
      pipe.setMode(this.#mode);
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as { port: number }).port;
    this.#server = server;
  }
}
