import { StoreError } from '@motion-ts/core/store';
import type { Redis } from 'ioredis';
import { Batches } from './batches.js';
import type { Connection } from './connection.js';
import { Deadlines, type Timed } from './deadlines.js';
import { isNoScript, isRefusal, messageOf, neverSent, refusal } from './failure.js';
import type { CheckedOptions } from './options.js';
import type { Script } from './scripts/script.js';
import type { StartUp } from './start-up.js';
import { withReplicas } from './wait.js';
import type { Word } from './words.js';

/** What is asked of a server: one run of a script. */
export interface Request<T> {
  readonly script: Script;
  /** All that it touches, which a cluster wants to know. The first, from which the script tells the others, does elsewhere. */
  keys(all: boolean): readonly string[];
  readonly words: readonly Word[];
  readonly values: Buffer;
  /** Whether it may go together with others. */
  readonly shares: boolean;
  /** Whether it must not be sent again when its answer is lost. */
  readonly once: boolean;
  /** Not by its keys, but to this server of a cluster. */
  readonly node: Redis | undefined;
  /** A command that may do instead when it goes alone, and cheaper; with `readPlain`. */
  readonly plain: readonly [string, ...string[]] | undefined;
  /** Undefined: it does not do. */
  readPlain?(answer: unknown): T | undefined;
  read(answer: unknown): T;
  /** Names it in errors. */
  what(): string;
}

/** Answers in the order of the requests; and index, from 1, and message of each that failed. */
export type ScriptAnswer = readonly [answers: readonly unknown[], errors: readonly (number | Buffer)[]];

const PAUSE_MS = 10;

/** Sends requests, each as often as is safe, and settles every one in time. */
export class Calls {
  readonly #connection: Connection;
  readonly #startUp: StartUp;
  readonly #timeoutMs: number;
  readonly #wait: CheckedOptions['wait'];
  readonly #deadlines: Deadlines;
  readonly #batches: Batches<Call>;

  constructor(connection: Connection, startUp: StartUp, { timeoutMs, wait }: CheckedOptions) {
    this.#connection = connection;
    this.#startUp = startUp;
    this.#timeoutMs = timeoutMs;
    this.#wait = wait;
    this.#deadlines = new Deadlines(timeoutMs);
    this.#batches = new Batches((calls) =>
      calls.length === 1 ? this.#sendAlone(calls[0] as Call) : this.#runScript(calls),
    );
  }

  /** @throws StoreError */
  run<T>(request: Request<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const call: Call = new Call(request as Request<unknown>, resolve as Call['resolve'], reject, this.#onExpiry);
      this.#deadlines.add(call);
      if (this.#startUp.done && this.#connection.isReady) this.#send(call);
      else this.#sendWhenOpen(call);
    });
  }

  /** Connects and checks the server, as the first call would. */
  open(): Promise<unknown> {
    return this.run(OPENING);
  }

  /** Resolves once all calls are settled. */
  idle(): Promise<void> {
    return this.#deadlines.idle();
  }

  #send(call: Call): void {
    const { request } = call;
    if (request === OPENING) this.#settle(call, undefined);
    // In a cluster, each has its own way; and one WAIT is for one commit.
    else if (!request.shares || this.#connection.client.isCluster || (request.once && this.#wait))
      void this.#sendAlone(call);
    else this.#batches.add(request.script, call);
  }

  #sendWhenOpen(call: Call): void {
    this.#untilOpen(call).then(
      () => {
        if (!call.expired) this.#send(call);
      },
      (error: unknown) => this.#reject(call, error),
    );
  }

  async #untilOpen(call: Call): Promise<void> {
    while (!call.expired) {
      await this.#connection.ready();
      if (this.#startUp.done) return;
      call.sent = 'yes';
      try {
        await this.#startUp.check();
        return;
      } catch (error) {
        const failure = judge(error, call.request, false);
        if (failure) throw failure;
      } finally {
        call.sent = 'no';
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  #sendAlone(call: Call): Promise<void> {
    const { plain, node } = call.request;
    if (plain === undefined) return this.#runScript([call]);
    call.sent = 'yes';
    return this.#connection.send(plain, node).then(
      (answer) => this.#settlePlain(call, answer),
      (error: unknown) => this.#failed(call, error),
    );
  }

  /** Runs the script of some calls, which is the same for all of them, and settles them. */
  async #runScript(calls: readonly Call[]): Promise<void> {
    for (const call of calls) call.sent = call.request.once ? 'once' : 'yes';
    try {
      const [answers, errors] = await this.#answersTo(calls.map(({ request }) => request));
      const failed = new Map<number, string>();
      for (let i = 0; i < errors.length; i += 2) failed.set(Number(errors[i]) - 1, String(errors[i + 1]));
      for (const [i, call] of calls.entries()) {
        const message = failed.get(i);
        if (message === undefined) this.#settle(call, answers[i]);
        else this.#failed(call, Object.assign(new Error(message), { name: 'ReplyError' }));
      }
    } catch (error) {
      for (const call of calls) this.#failed(call, error);
    }
  }

  async #answersTo(requests: readonly Request<unknown>[]): Promise<ScriptAnswer> {
    const [first] = requests as [Request<unknown>];
    const { once, node, script } = first;
    const keys: string[] = [];
    const words: Word[] = [requests.length];
    for (const request of requests) {
      keys.push(...request.keys(this.#connection.client.isCluster));
      words.push(...request.words);
    }
    // The last one too has a space behind it.
    const text = words.join(' ').concat(' ');
    const values = requests.length === 1 ? first.values : Buffer.concat(requests.map((request) => request.values));
    const send = (command: string, name: string): Promise<unknown> => {
      const answer = this.#connection.send([command, name, String(keys.length), ...keys, text, values], node);
      return once && this.#wait ? withReplicas(this.#connection, this.#wait, answer as Promise<ScriptAnswer>) : answer;
    };
    try {
      return (await send('evalsha', script.sha)) as ScriptAnswer;
    } catch (error) {
      if (!isNoScript(error)) throw error;
      // The server was started anew, or is a new one.
      return (await send('eval', script.source)) as ScriptAnswer;
    }
  }

  async #settlePlain(call: Call, answer: unknown): Promise<void> {
    try {
      const value = call.request.readPlain?.(answer);
      if (value === undefined) await this.#runScript([call]);
      else if (this.#deadlines.remove(call)) call.resolve(value);
    } catch (error) {
      this.#reject(call, error);
    }
  }

  #settle(call: Call, answer: unknown): void {
    if (!this.#deadlines.remove(call)) return;
    try {
      call.resolve(call.request.read(answer));
    } catch (error) {
      call.reject(error);
    }
  }

  #failed(call: Call, error: unknown): void {
    const failure = judge(error, call.request, call.sent === 'once');
    if (failure) {
      this.#reject(call, failure);
      return;
    }
    call.sent = 'no';
    setTimeout(() => {
      if (!call.expired) this.#sendWhenOpen(call);
    }, PAUSE_MS);
  }

  #reject(call: Call, error: unknown): void {
    if (this.#deadlines.remove(call)) call.reject(error);
  }

  #onExpiry = (call: Call): void => {
    const what = call.request.what();
    const cause = this.#connection.lastError;
    if (call.sent === 'no') {
      const why = cause ? ` (${messageOf(cause)})` : '';
      const message = `${what}: redis could not be reached within ${this.#timeoutMs} ms${why}; is it running?`;
      call.reject(new StoreError('unavailable', message, { cause }));
      return;
    }
    const code = call.sent === 'once' ? 'unknown' : 'unavailable';
    call.reject(new StoreError(code, `${what}: redis did not answer within ${this.#timeoutMs} ms`));
    this.#connection.renew();
  };
}

/** What a request must end with after an error; undefined if it may be sent again. */
function judge(error: unknown, request: Request<unknown>, once: boolean): StoreError | undefined {
  const refused = refusal(error, () => request.what());
  if (refused) return refused;
  if (neverSent(error)) return undefined;
  const said = messageOf(error);
  if (once) return new StoreError('unknown', `${request.what()}: the answer was lost (${said})`, { cause: error });
  return isRefusal(error)
    ? new StoreError('unavailable', `${request.what()}: the server answered ${said}`, { cause: error })
    : undefined;
}

/** Whether something went out, and whether it may have had an effect. */
type Sent = 'no' | 'yes' | 'once';

class Call implements Timed {
  sent: Sent = 'no';
  expired = false;
  readonly request: Request<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly #onExpiry: (call: Call) => void;

  constructor(
    request: Request<unknown>,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    onExpiry: (call: Call) => void,
  ) {
    this.request = request;
    this.resolve = resolve;
    this.reject = reject;
    this.#onExpiry = onExpiry;
  }

  expire(): void {
    this.expired = true;
    this.#onExpiry(this);
  }
}

const NO_VALUES = Buffer.alloc(0);

/** A request that goes by itself and may be sent again. */
export function aloneRequest<T>(
  request: Pick<Request<T>, 'script' | 'keys' | 'words' | 'read' | 'what'> &
    Partial<Pick<Request<T>, 'values' | 'node'>>,
): Request<T> {
  return { shares: false, once: false, node: undefined, plain: undefined, values: NO_VALUES, ...request };
}

const OPENING: Request<unknown> = aloneRequest({
  script: { sha: '', source: '' },
  keys: () => [],
  words: [],
  read: () => undefined,
  what: () => 'opening',
});
