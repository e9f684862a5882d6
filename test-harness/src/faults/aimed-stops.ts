import { trueNow } from './clock.js';
import { pause, until } from './crew.js';
import type { Fault, Load } from './load.js';
import type { RootCommit } from './protocol.js';
import { spread } from './report.js';

/** Milliseconds that an update takes into which a stop is aimed: enough for the signal to arrive. */
const AIMED_HOLD = 150;
/** Milliseconds within which an update must begin into which a stop is aimed. */
const BEGIN_MS = 60_000;

/** SIGSTOP inside an update, until another process has taken over; then every commit of the one that wakes up must be refused. */
export class AimedStops implements Fault {
  private readonly goal: number;
  private readonly atOnce: number;
  private readonly takeovers: number[] = [];
  private done = 0;
  private wasted = 0;
  private refused = 0;
  private aimed = 0;

  /** @param atOnce processes that are stopped at the same time, each with instances of its own to aim at */
  constructor(goal: number, atOnce: number = 2) {
    this.goal = goal;
    this.atOnce = atOnce;
  }

  async run(load: Load): Promise<void> {
    const { instances } = load;
    const groups = Math.min(this.atOnce, this.goal, instances.length);
    const run = async (own: readonly string[]): Promise<void> => {
      while (load.goesOn(this.done, this.goal))
        await this.stopOne(load, load.random.pick(own), `p${this.aimed++}`).catch((error) =>
          load.problems.push(`an aimed stop failed: ${(error as Error).message}`),
        );
    };
    await Promise.all(
      Array.from({ length: groups }, (_, group) => run(instances.filter((_, n) => n % groups === group))),
    );
    load.shouldHave(this.done, this.goal, 'aimed stops came to a takeover');
  }

  figures(): Record<string, number> {
    return {
      stops: this.done,
      'stops in vain': this.wasted,
      'stale commits refused': this.refused,
      ...(this.takeovers.length > 0 && spread('taken over after a stop', this.takeovers)),
    };
  }

  /** Stops a process inside an update, wakes it up when another has taken over, and looks at what it commits then. */
  private async stopOne(load: Load, instance: string, line: string): Promise<void> {
    const step = load.ledger.next(instance, line, { hold: AIMED_HOLD });
    const ran = (): typeof load.insides => load.insides.filter(({ inside }) => inside.line === line);
    for (const error of Object.values(await load.director.call(instance, [step]))) {
      // The store is under attack as well.
      if (!/^StoreError/.test(error)) throw new Error(`the call failed: ${error}`);
      load.ledger.excuse(step);
      this.wasted++;
      return;
    }
    if (!(await until(Math.min(load.left(), BEGIN_MS), () => ran().length > 0, 2)))
      throw new Error(`${line}#1 did not begin`);
    const { member, inside } = ran()[0] as (typeof load.insides)[number];
    if (!member.pause()) {
      this.wasted++;
      return;
    }
    const since = performance.now();
    // A process that is stopped in the middle of a commit may stand in the way of all others: then it must go on.
    const taken = await until(
      load.ttlMs * 2 + 3_000,
      () => ran().some((other) => other.inside.epoch > inside.epoch),
      5,
    );
    if (taken) this.takeovers.push(performance.now() - since);
    // At times before the new holder commits, at times after.
    await pause(load.random.pick([0, AIMED_HOLD, AIMED_HOLD * 2]));
    const wokenAt = trueNow();
    if (!member.resume() || !taken) {
      this.wasted++;
      return;
    }
    const late = (): RootCommit[] =>
      load.roots
        .filter(({ member: by, commit }) => by === member && commit.instance === instance)
        .map(({ commit }) => commit)
        .filter(({ epoch, at }) => at >= wokenAt && epoch <= inside.epoch);
    await until(3_000, () => late().length > 0 || !member.alive, 5);
    await pause(20);
    // One that was sent before the stop may have been applied before the takeover, and its answer read only now.
    const judged = late().filter(({ ok, sentAt }) => !ok || sentAt >= wokenAt);
    if (judged.length === 0) {
      this.wasted++;
      return;
    }
    for (const { ok, kind } of judged)
      if (ok) load.problems.push(`${instance}: the stale holder of epoch ${inside.epoch} committed: ${kind}`);
      else this.refused++;
    this.done++;
  }
}
