import { Random } from '../simulation/random.js';
import { Crew, Gone, type Inside, type Member, pause, quiet, until } from './crew.js';
import { Ledger } from './ledger.js';
import type { FaultOptions, FaultReport } from './options.js';
import type { RootCommit } from './protocol.js';
import { report, seedOf, spread } from './report.js';

/** Options of {@link chaos}. */
export interface ChaosOptions extends FaultOptions {
  /** Processes that only run updates. Default: 3. */
  readonly workers?: number;
  /** Processes that call; every second one runs updates too. Default: 3. */
  readonly callers?: number;
  /** Default: 4. */
  readonly instances?: number;
  /** Acknowledged calls, at least. Default: 1,000. */
  readonly updates?: number;
  /** Processes killed at random moments. Default: 0. */
  readonly kills?: number;
  /** Processes stopped inside an update, until another has taken it over. Default: 0. */
  readonly pauses?: number;
  /** Of leases, in milliseconds. Default: 400. */
  readonly ttlMs?: number;
  /** Milliseconds within which all must be quiet after the attack. Default: ttl + 5,000. */
  readonly quietMs?: number;
  /** Milliseconds that the whole may take. Default: 120,000. */
  readonly timeoutMs?: number;
}

/** Milliseconds between two kills. */
const KILL_PAUSE = [20, 150] as const;
/** Milliseconds that an update takes into which a stop is aimed: enough for the signal to arrive. */
const AIMED_HOLD = 150;

interface Slot {
  readonly updates: 'background' | 'off';
  member: Member;
  generation: number;
}

/**
 * Real processes on a real store, killed with SIGKILL at random moments, and stopped with SIGSTOP inside an update for
 * longer than their lease lasts. Then all is let go, and accounted for: no acknowledged call is lost, none took effect
 * twice, those of a caller took effect in order, and every commit of a holder that woke up too late was refused.
 *
 * @returns what went wrong, and how much was done
 * @example
 * const { problems } = await chaos({
 *   store: { module: new URL('./open.mjs', import.meta.url), argument: { path } },
 *   updates: 1_000,
 *   kills: 60,
 * });
 */
export async function chaos(options: ChaosOptions): Promise<FaultReport> {
  return new Chaos(options).run();
}

class Chaos {
  private readonly options: ChaosOptions;
  private readonly seed: number;
  private readonly random: Random;
  private readonly ttlMs: number;
  private readonly ledger = new Ledger();
  private readonly crew: Crew;
  private readonly slots: Slot[] = [];
  private readonly instances: readonly string[];
  private readonly problems: string[] = [];
  private readonly insides: { readonly member: Member; readonly inside: Inside }[] = [];
  private readonly roots: { readonly member: Member; readonly commit: RootCommit }[] = [];
  private readonly killed: { readonly member: Member; readonly at: number }[] = [];
  private readonly takeovers: number[] = [];
  private deadline = Infinity;
  private over = false;
  private kills = 0;
  private pauses = 0;
  private wasted = 0;
  private refused = 0;
  private errors = 0;

  constructor(options: ChaosOptions) {
    this.options = options;
    this.seed = seedOf(options);
    this.random = new Random(this.seed);
    this.ttlMs = options.ttlMs ?? 400;
    this.instances = Array.from({ length: options.instances ?? 4 }, (_, n) => `i${n}`);
    this.crew = new Crew(
      { ...options, ttlMs: this.ttlMs },
      {
        acknowledged: (_, line, n) => this.ledger.acknowledge(line, n),
        inside: (member, inside) => this.insides.push({ member, inside }),
        root: (member, commit) => this.roots.push({ member, commit }),
        error: () => this.errors++,
      },
    );
  }

  async run(): Promise<FaultReport> {
    const { workers = 3, callers = 3, timeoutMs = 120_000, quietMs = this.ttlMs + 5_000 } = this.options;
    const started = performance.now();
    this.deadline = started + timeoutMs;
    try {
      const add = (updates: 'background' | 'off'): Slot => {
        const slot = { updates, member: this.crew.start({ updates }), generation: 0 };
        this.slots.push(slot);
        return slot;
      };
      for (let n = 0; n < workers; n++) add('background');
      const calling = Array.from({ length: callers }, (_, n) => add(n % 2 === 0 ? 'off' : 'background'));
      // It is never attacked: what it sees and does is certain.
      const director = this.crew.start({ updates: 'off' });
      await Promise.all(this.slots.map(({ member }) => member.ready));
      for (const instance of this.instances) await director.ask({ do: 'open', instance, size: 0 });
      const calls = Promise.all(calling.map((slot, n) => this.callAll(slot, `c${n}`)));
      await Promise.all([this.killAll(), this.pauseAll(director)]);
      const { updates = 1_000 } = this.options;
      await until(this.left(), () => this.failed || this.ledger.acknowledged >= updates);
      this.over = true;
      if (!(await Promise.race([calls.then(() => true), pause(quietMs)])))
        this.problems.push(`calls are still under way ${quietMs} ms after the attack`);
      const { seen, problems } = await quiet(director, this.instances, quietMs);
      const audit = this.ledger.auditAll(seen);
      this.problems.push(...problems, ...audit.problems);
      if (!this.failed && this.ledger.acknowledged < updates)
        this.problems.push(`only ${this.ledger.acknowledged} calls were acknowledged in ${timeoutMs} ms`);
      const { lost, doubled, reordered } = audit;
      const { roots } = this;
      return report('chaos', this.options, this.seed, this.problems, {
        acknowledged: this.ledger.acknowledged,
        kills: this.kills,
        pauses: this.pauses,
        'pauses without takeover': this.wasted,
        'stale commits refused': this.refused,
        takes: roots.filter(({ commit }) => commit.ok && commit.kind === 'take').length,
        takeovers: roots.filter(({ commit }) => commit.ok && commit.over).length,
        'errors in the background': this.errors,
        lost,
        doubled,
        reordered,
        ...(this.killed.length > 0 && spread('taken over after a kill', this.recoveriesOf())),
        ...(this.takeovers.length > 0 && spread('taken over after a stop', this.takeovers)),
        seconds: (performance.now() - started) / 1_000,
      });
    } finally {
      await this.crew.end();
    }
  }

  /** Then more of the same says nothing new. */
  private get failed(): boolean {
    return this.problems.length > 0;
  }

  private left(): number {
    return Math.max(0, this.deadline - performance.now());
  }

  /** One caller after the other in one place: each has a numbering of its own. */
  private async callAll(slot: Slot, name: string): Promise<void> {
    const { random } = this;
    while (!this.over && this.left() > 0 && !this.failed) {
      const { member } = slot;
      const generation = slot.generation++;
      const line = (instance: string): string => `${name}.${generation}.${instance}`;
      try {
        for (let failed = false; !this.over && !failed; ) {
          const instance = random.pick(this.instances);
          const steps = this.ledger.nextOf(random.int(1, 8), instance, line(instance));
          const flush = random.chance(0.3);
          const failures = Object.entries(await member.call(instance, steps, { flush }));
          // A call that failed leaves a gap, and its caller's numbering ends with it.
          failed = failures.length > 0;
          for (const [n, error] of failures) {
            this.ledger.excuse({ line: line(instance), n: Number(n) });
            if (!/^StoreError/.test(error)) this.problems.push(`${line(instance)}#${n} failed: ${error}`);
          }
          await pause(random.int(0, 60));
        }
      } catch (error) {
        if (!(error instanceof Gone)) this.problems.push(`a caller failed: ${(error as Error).message}`);
        await until(this.left(), () => this.over || slot.member !== member);
      }
    }
  }

  private async killAll(): Promise<void> {
    const { kills = 0 } = this.options;
    while (this.kills < kills && this.left() > 0 && !this.failed) {
      await pause(this.random.int(...KILL_PAUSE));
      const slot = this.random.chance(0.6) ? this.aHolder() : this.random.pick(this.slots);
      if (!slot || slot.member.paused) continue;
      // At any moment of a process's life, its first ones included.
      if (this.random.chance(0.8)) await slot.member.ready.catch(() => {});
      const { member } = slot;
      this.killed.push({ member, at: Date.now() });
      await member.kill();
      slot.member = this.crew.start({ updates: slot.updates });
      this.kills++;
    }
    if (!this.failed && this.kills < kills)
      this.problems.push(`only ${this.kills} of ${kills} kills were done in time`);
    await Promise.all(this.slots.map(({ member }) => member.ready.catch(() => {})));
  }

  /** The process that runs the updates of some instance, as far as is known. */
  private aHolder(): Slot | undefined {
    const instance = this.random.pick(this.instances);
    const last = this.roots.findLast(({ commit }) => commit.ok && commit.instance === instance);
    return last?.commit.kind === 'release' ? undefined : this.slots.find(({ member }) => member === last?.member);
  }

  /** Milliseconds from the end of a holder until another took each of its instances. */
  private recoveriesOf(): number[] {
    const times: number[] = [];
    for (const { member, at } of this.killed)
      for (const instance of this.instances) {
        const of = this.roots.filter(({ commit }) => commit.instance === instance && commit.ok);
        const last = of.findLast((root) => root.commit.at <= at);
        if (last?.member !== member || last.commit.kind === 'release' || last.commit.kind === 'retry') continue;
        const next = of.find((root) => root.commit.kind === 'take' && root.commit.at > at);
        if (next) times.push(next.commit.at - at);
      }
    return times;
  }

  private async pauseAll(director: Member): Promise<void> {
    const { pauses = 0 } = this.options;
    let n = 0;
    // Two at once, each with its instances.
    const half = Math.ceil(this.instances.length / 2);
    const run = async (instances: readonly string[]): Promise<void> => {
      while (this.pauses < pauses && this.left() > 0 && !this.failed)
        await this.pauseOne(director, this.random.pick(instances), `p${n++}`).catch((error) =>
          this.problems.push(`a pause failed: ${(error as Error).message}`),
        );
    };
    await Promise.all([run(this.instances.slice(0, half)), pauses > 1 ? run(this.instances.slice(half)) : undefined]);
    if (!this.failed && this.pauses < pauses)
      this.problems.push(`only ${this.pauses} of ${pauses} pauses came to a takeover in time`);
  }

  /** Stops a process inside an update, wakes it up when another has taken over, and looks at what it commits then. */
  private async pauseOne(director: Member, instance: string, line: string): Promise<void> {
    const step = this.ledger.next(instance, line, { hold: AIMED_HOLD });
    const ran = (): typeof this.insides => this.insides.filter(({ inside }) => inside.line === line);
    const failed = await director.call(instance, [step]);
    for (const error of Object.values(failed)) throw new Error(`the call failed: ${error}`);
    if (!(await until(Math.min(this.left(), 20_000), () => ran().length > 0, 2)))
      throw new Error(`${line}#1 did not begin`);
    const { member, inside } = ran()[0] as (typeof this.insides)[number];
    if (!member.pause()) {
      this.wasted++;
      return;
    }
    const since = performance.now();
    // A process that is stopped in the middle of a commit may stand in the way of all others: then it must go on.
    const taken = await until(
      this.ttlMs * 2 + 3_000,
      () => ran().some((other) => other.inside.epoch > inside.epoch),
      5,
    );
    if (taken) this.takeovers.push(performance.now() - since);
    // At times before the new holder commits, at times after.
    await pause(this.random.pick([0, AIMED_HOLD, AIMED_HOLD * 2]));
    const wokenAt = Date.now();
    if (!member.resume() || !taken) {
      this.wasted++;
      return;
    }
    const late = (): RootCommit[] =>
      this.roots
        .filter(({ member: by, commit }) => by === member && commit.instance === instance)
        .map(({ commit }) => commit)
        .filter(({ epoch, at }) => at >= wokenAt && epoch <= inside.epoch);
    await until(3_000, () => late().length > 0 || !member.alive, 5);
    await pause(20);
    if (late().length === 0) {
      this.wasted++;
      return;
    }
    for (const { ok, kind } of late())
      if (ok) this.problems.push(`${instance}: the stale holder of epoch ${inside.epoch} committed: ${kind}`);
      else this.refused++;
    this.pauses++;
  }
}
