import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { StoreError } from '@motion-ts/core/store';
import { type Failure, failureOf, storeError } from './failure.js';

/** Anything that the client sends. */
type Command = Parameters<DynamoDBClient['send']>[0];

/** One call of the store, which may take several requests. */
export interface Call {
  /** For messages: the method, with its partition and keys. */
  readonly what: string;
  /** On `performance.now()`. */
  readonly deadline: number;
  /** Whether a request that may have taken effect must not be sent again. */
  readonly writes: boolean;
}

/** A condition did not hold, so the request changed nothing. `cause` is the error of the SDK, which says which. */
export class ConditionFailed extends Error {}

/** How often a request is sent again, when the server was not reached or did not say what became of it. */
const TRIES_WHEN_DOWN = 3;
const FIRST_WAIT_MS = 10;
const LONGEST_WAIT_MS = 500;
/** What is sent with less time left has no answer in time, perhaps: then nobody knows what was known before. */
const ANSWER_MS = 250;

/**
 * Sends requests, each within the deadline of its call. The SDK's own retries are switched off for them: it would send a
 * commit again that was applied without its answer coming through, and that second one would fail its own checks.
 */
export class Requests {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  /** Whether the server ever answered. Credentials that fail after that are likely to come back. */
  #answered = false;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  /**
   * Sends a request until it is answered, as far as that is safe and there is time.
   *
   * @param make the command, new for every sending
   * @throws ConditionFailed; StoreError
   */
  async send<Output>(call: Call, make: () => unknown): Promise<Output> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#once<Output>(call, make() as Command);
      } catch (error) {
        const failure = error as Failure;
        if (failure.kind === 'condition') throw new ConditionFailed(failure.message, { cause: failure.cause });
        const again =
          failure.kind === 'again' ||
          (failure.kind === 'down' && attempt + 1 < TRIES_WHEN_DOWN && (failure.certain || !call.writes));
        if (!again) throw storeError(failure, call.what, call.writes);
        if (!(await rest(attempt, call.deadline))) throw storeError(failure, call.what, call.writes);
      }
    }
  }

  /** @throws Failure */
  async #once<Output>(call: Call, command: Command): Promise<Output> {
    const left = call.deadline - performance.now();
    if (left <= 0) throw late(call.what, true);
    let sent = false;
    instead(command, 'retryMiddleware', 'finalizeRequest', 'high', (next) => next);
    const abort = new AbortController();
    instead(command, 'motionSent', 'deserialize', 'low', (next) => async (args) => {
      // Its caller was told that nothing was sent.
      abort.signal.throwIfAborted();
      sent = true;
      return next(args);
    });
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      // What does not heed the signal, such as a provider of credentials, is left behind.
      timer = setTimeout(() => {
        reject(late(call.what, !sent));
        abort.abort();
      }, left);
    });
    try {
      const output = await Promise.race([
        this.#client.send(command, { abortSignal: abort.signal }).catch((error: unknown) => {
          throw failureOf(error, { sent, table: this.#table, answered: this.#answered });
        }),
        timeout,
      ]);
      this.#answered = true;
      return output as Output;
    } finally {
      clearTimeout(timer);
    }
  }
}

type Next = (args: never) => Promise<never>;

/** Adds middleware to one command, in the place of the client's of that name. */
function instead(
  command: Command,
  name: string,
  step: string,
  priority: string,
  middleware: (next: Next) => Next,
): void {
  const stack = command.middlewareStack as unknown as { add(middleware: unknown, options: object): void };
  stack.add(middleware, { name, step, priority, override: true });
}

function late(what: string, certain: boolean): Failure {
  const message = certain ? 'no request could be sent in time' : 'DynamoDB did not answer in time';
  return { kind: 'down', certain, code: 'unavailable', message, cause: new Error(`${what} took too long`) };
}

/**
 * Waits before another try, longer each time, and by chance: so that those who were in each other's way are no more.
 *
 * @returns false: there is no time left
 */
export async function rest(attempt: number, deadline: number): Promise<boolean> {
  const ms = Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
  const last = deadline - ANSWER_MS;
  if (performance.now() + ms >= last) return false;
  await new Promise((resolve) => setTimeout(resolve, ms));
  return performance.now() < last;
}

/** The call is over before its work is: what it waited for came too late. */
export function outOfTime({ what }: Call): StoreError {
  return new StoreError('unavailable', `${what}: there was no time left; nothing was applied`);
}
