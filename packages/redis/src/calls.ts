import { StoreError } from '@motion-ts/core/store';
import type { Redis } from 'ioredis';
import type { Connection } from './connection.js';
import { Deadlines, type Timed } from './deadlines.js';
import { isNoScript, isRefusal, messageOf, neverSent, refusal } from './failure.js';
import type { CheckedOptions } from './options.js';
import type { Script } from './scripts/script.js';
import type { StartUp } from './start-up.js';

/** One run of a script. */
export interface Request {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly (string | Buffer)[];
  /** Whether it must not be sent again when its answer is lost. */
  readonly once?: boolean;
  /** Not by its keys, but to this server of a cluster. */
  readonly node?: Redis | undefined;
  /** Names it in errors. */
  what(): string;
}

const PAUSE_MS = 10;

/** Sends requests, each as often as is safe, and settles every one in time. */
export class Calls {
  readonly #connection: Connection;
  readonly #startUp: StartUp;
  readonly #timeoutMs: number;
  readonly #wait: CheckedOptions['wait'];
  readonly #deadlines: Deadlines;

  constructor(connection: Connection, startUp: StartUp, { timeoutMs, wait }: CheckedOptions) {
    this.#connection = connection;
    this.#startUp = startUp;
    this.#timeoutMs = timeoutMs;
    this.#wait = wait;
    this.#deadlines = new Deadlines(timeoutMs);
  }

  /** @throws StoreError */
  run(request: Request): Promise<unknown> {
    return this.#inTime(request.what, (attempt) => this.#perform(request, attempt));
  }

  /** Connects and checks the server, as the first call would. */
  open(): Promise<unknown> {
    return this.#inTime(
      () => 'opening',
      (attempt) => this.#untilOpen(() => 'opening', attempt),
    );
  }

  /** Resolves once all calls are settled. */
  idle(): Promise<void> {
    return this.#deadlines.idle();
  }

  #inTime<T>(what: () => string, perform: (attempt: Attempt) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const attempt = new Attempt((sent) => {
        reject(this.#late(what(), sent));
        if (sent !== 'no') this.#connection.renew();
      });
      this.#deadlines.add(attempt);
      perform(attempt).then(
        (value) => {
          if (this.#deadlines.remove(attempt)) resolve(value);
        },
        (error: unknown) => {
          if (this.#deadlines.remove(attempt)) reject(error);
        },
      );
    });
  }

  #late(what: string, sent: Sent): StoreError {
    const cause = this.#connection.lastError;
    return sent === 'no'
      ? new StoreError(
          'unavailable',
          `${what}: redis could not be reached within ${this.#timeoutMs} ms${cause ? ` (${messageOf(cause)})` : ''}; is it running?`,
          { cause },
        )
      : new StoreError(
          sent === 'once' ? 'unknown' : 'unavailable',
          `${what}: redis did not answer within ${this.#timeoutMs} ms`,
        );
  }

  async #perform(request: Request, attempt: Attempt): Promise<unknown> {
    for (;;) {
      if (!this.#startUp.done || !this.#connection.isReady) await this.#untilOpen(request.what, attempt);
      if (attempt.expired) return undefined;
      attempt.sent = request.once ? 'once' : 'yes';
      try {
        return await this.#send(request);
      } catch (error) {
        const unsent = neverSent(error);
        if (unsent) attempt.sent = 'no';
        else this.#judge(error, request);
      }
      await pause();
    }
  }

  /** Throws what a request must end with; returns if it may be sent again. */
  #judge(error: unknown, { what, once }: Request): void {
    const refused = refusal(error, what());
    if (refused) throw refused;
    if (once) throw new StoreError('unknown', `${what()}: the answer was lost (${messageOf(error)})`, { cause: error });
    if (isRefusal(error))
      throw new StoreError('unavailable', `${what()}: the server answered ${messageOf(error)}`, { cause: error });
  }

  async #untilOpen(what: () => string, attempt: Attempt): Promise<void> {
    while (!attempt.expired) {
      await this.#connection.ready();
      if (this.#startUp.done) return;
      attempt.sent = 'yes';
      try {
        await this.#startUp.check();
        return;
      } catch (error) {
        this.#judge(error, { what } as Request);
      } finally {
        attempt.sent = 'no';
      }
      await pause();
    }
  }

  async #send(request: Request): Promise<unknown> {
    const { script, keys, args, node } = request;
    const rest = [String(keys.length), ...keys, ...args];
    const connection = this.#connection;
    try {
      return await this.#withReplicas(request, connection.send('evalsha', [script.sha, ...rest], node));
    } catch (error) {
      if (!isNoScript(error)) throw error;
      // The server was started anew, or is a new one.
      return await this.#withReplicas(request, connection.send('eval', [script.source, ...rest], node));
    }
  }

  async #withReplicas({ what, once }: Request, answer: Promise<unknown>): Promise<unknown> {
    if (!once || this.#wait === undefined) return answer;
    const { replicas, timeoutMs } = this.#wait;
    // Right behind it on the same connection.
    const waited = this.#connection.client.wait(replicas, timeoutMs).then(
      (count) => ({ count: Number(count) }),
      (error: unknown) => ({ count: 0, error }),
    );
    const value = await answer;
    if (Array.isArray(value)) return value;
    const reached = await waited;
    if (reached.count < replicas)
      throw new StoreError(
        'unknown',
        `${what()}: applied, but ${reached.count} of ${replicas} replicas had it within ${timeoutMs} ms: a failover may lose it`,
        'error' in reached ? { cause: reached.error } : {},
      );
    return value;
  }
}

type Sent = 'no' | 'yes' | 'once';

class Attempt implements Timed {
  sent: Sent = 'no';
  expired = false;
  readonly #onExpiry: (sent: Sent) => void;

  constructor(onExpiry: (sent: Sent) => void) {
    this.#onExpiry = onExpiry;
  }

  expire(): void {
    this.expired = true;
    this.#onExpiry(this.sent);
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
