import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { WrongClock } from './clock.js';
import type { FaultOptions, StoreModule } from './options.js';
import {
  type CallOptions,
  type Command,
  type Opening,
  openingOf,
  type Reply,
  type RootCommit,
  type Seen,
  type Step,
} from './protocol.js';

/** A process ended before it answered. */
export class Gone extends Error {
  override readonly name = 'Gone';
}

/** An update that began. */
export type Inside = Extract<Reply, { inside: unknown }>['inside'];

/** Hears of what a member does. */
export interface CrewListener {
  acknowledged?(instance: string, line: string, n: number): void;
  inside?(member: Member, inside: Inside): void;
  root?(member: Member, commit: RootCommit): void;
  error?(text: string): void;
  /** Something that may happen under attack. */
  counted?(what: string): void;
  /** Something that may not. */
  wrong?(what: string): void;
}

/** How a member starts. */
export interface MemberOptions {
  readonly updates: 'background' | 'off';
  readonly failpoint?: Opening['failpoint'];
  readonly asleep?: boolean;
  /** Where it finds the store. Default: where the crew does. */
  readonly store?: StoreModule | undefined;
  readonly clock?: WrongClock | undefined;
  /** For Node itself. */
  readonly nodeArgs?: readonly string[] | undefined;
}

const ONE_ANSWER_MS = 60_000;
/** What most stores take at most, 5,000, and a margin. */
const SETTLE_MS = 7_000;

/** One process under attack. */
export class Member {
  readonly pid: number;
  /** Resolves when the process is gone. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  readonly ready: Promise<void>;
  alive = true;
  paused = false;
  private readonly child: ChildProcess;
  private readonly pending = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  private asked = 0;

  constructor(opening: Opening, nodeArgs: readonly string[], listener: CrewListener) {
    // Under its own name, so that the built file is found from the sources as well.
    const self = createRequire(import.meta.url).resolve('@motion-ts/test-harness/package.json');
    const child = fork(join(dirname(self), 'dist/faults/child.js'), [JSON.stringify(opening)], {
      execArgv: [...nodeArgs],
    });
    this.child = child;
    this.pid = child.pid as number;
    let ready: (() => void) | undefined;
    this.ready = new Promise((resolve, reject) => {
      ready = resolve;
      child.once('error', reject);
      child.once('exit', (code) => reject(new Gone(`a process ended with ${code} before it was ready`)));
    });
    this.ready.catch(() => {});
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.alive = false;
        for (const { reject } of this.pending.values()) reject(new Gone(`process ${this.pid} ended`));
        this.pending.clear();
        resolve({ code, signal });
      });
    });
    child.on('message', (reply: Reply) => {
      if ('ready' in reply) ready?.();
      else if ('answer' in reply) {
        const pending = this.pending.get(reply.answer);
        this.pending.delete(reply.answer);
        if ('failed' in reply) pending?.reject(new Error(reply.failed));
        else pending?.resolve(reply.value as never);
      } else if ('acknowledged' in reply) {
        const { instance, line, n } = reply.acknowledged;
        listener.acknowledged?.(instance, line, n);
      } else if ('inside' in reply) listener.inside?.(this, reply.inside);
      else if ('root' in reply) listener.root?.(this, reply.root);
      else if ('counted' in reply) listener.counted?.(reply.counted);
      else if ('wrong' in reply) listener.wrong?.(reply.wrong);
      else listener.error?.(reply.error);
    });
  }

  /** @throws Gone; Error what the command rejected with there */
  ask<T = void>(command: Command): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (!this.child.connected) return reject(new Gone(`process ${this.pid} ended`));
      const ask = this.asked++;
      const timer = setTimeout(() => {
        this.pending.delete(ask);
        reject(new Error(`process ${this.pid} did not answer '${command.do}' within ${ONE_ANSWER_MS} ms`));
      }, ONE_ANSWER_MS);
      const settled =
        <A>(settle: (value: A) => void) =>
        (value: A): void => {
          clearTimeout(timer);
          settle(value);
        };
      this.pending.set(ask, { resolve: settled(resolve), reject: settled(reject) });
      this.child.send({ ask, command }, () => {});
    });
  }

  /** @returns the numbers of those that failed, with their errors */
  call(instance: string, steps: readonly Step[], options: CallOptions = {}): Promise<Readonly<Record<number, string>>> {
    return this.ask({ do: 'call', instance, steps, options });
  }

  inspect(instance: string): Promise<Seen> {
    return this.ask({ do: 'inspect', instance });
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    if (this.alive) process.kill(this.pid, 'SIGKILL');
    await this.exited;
  }

  pause(): boolean {
    if (!this.alive || this.paused) return false;
    process.kill(this.pid, 'SIGSTOP');
    this.paused = true;
    return true;
  }

  resume(): boolean {
    this.paused = false;
    if (this.alive) process.kill(this.pid, 'SIGCONT');
    return this.alive;
  }

  /** Asks it to end in good order. */
  terminate(): void {
    if (this.alive) process.kill(this.pid, 'SIGTERM');
  }
}

let runs = 0;

/** The processes of one attack. All work on one component of their own, so that attacks may share a store. */
export class Crew {
  private readonly options: FaultOptions & { readonly ttlMs: number; readonly tellRuns?: boolean };
  private readonly listener: CrewListener;
  private readonly component = `Journal-${process.pid}-${Date.now().toString(36)}-${runs++}`;
  private readonly members = new Set<Member>();
  private readonly onExit = (): void => {
    for (const { alive, pid } of this.members) if (alive) process.kill(pid, 'SIGKILL');
  };

  constructor(options: Crew['options'], listener: CrewListener = {}) {
    this.options = options;
    this.listener = listener;
    process.once('exit', this.onExit);
  }

  /** Starts a process; it may be asked at once. */
  start({ updates, failpoint, asleep = false, store, clock, nodeArgs = [] }: MemberOptions): Member {
    const { ttlMs, alteration, tellRuns = false, settleMs = SETTLE_MS } = this.options;
    const opening: Opening = {
      store: openingOf(store ?? this.options.store),
      component: this.component,
      ttlMs,
      updates,
      alteration,
      failpoint,
      tellRuns,
      settleMs,
      clock,
      asleep,
    };
    const member = new Member(opening, nodeArgs, this.listener);
    this.members.add(member);
    void member.exited.then(() => this.members.delete(member));
    return member;
  }

  /** Ends all processes that it started. */
  async end(): Promise<void> {
    process.off('exit', this.onExit);
    await Promise.all([...this.members].map((member) => member.kill()));
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** @throws Error it did not come within the time */
async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${Math.round(ms)} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Waits until something holds. @returns false: it did not within the time */
export async function until(
  ms: number,
  holds: () => boolean | Promise<boolean>,
  everyMs: number = 20,
): Promise<boolean> {
  const deadline = performance.now() + ms;
  for (;;) {
    if (await holds()) return true;
    if (performance.now() >= deadline) return false;
    await pause(everyMs);
  }
}

/** Nothing queued, nobody at work. @returns what each instance is then like, or of which it did not come */
export async function quiet(
  observer: Member,
  instances: readonly string[],
  ms: number,
): Promise<{ readonly seen: ReadonlyMap<string, Seen>; readonly problems: readonly string[] }> {
  const seen = new Map<string, Seen>();
  const problems: string[] = [];
  const deadline = performance.now() + ms;
  for (const instance of instances) {
    let last: Seen | undefined;
    let failure: string | undefined;
    const isQuiet = await until(Math.max(0, deadline - performance.now()), async () => {
      try {
        last = await within(Math.max(1, deadline - performance.now()), observer.inspect(instance));
        failure = undefined;
        return last.queued === 0 && !last.held;
      } catch (error) {
        // A store that was under attack may need a moment.
        failure = (error as Error).message;
        return false;
      }
    });
    if (last) seen.set(instance, last);
    if (failure !== undefined) problems.push(`${instance} cannot be seen after ${ms} ms: ${failure}`);
    else if (!isQuiet) problems.push(`${instance} is not quiet after ${ms} ms: ${last?.queued} updates are queued`);
  }
  return { seen, problems };
}
