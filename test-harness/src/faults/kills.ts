import { trueNow } from './clock.js';
import { type Member, pause } from './crew.js';
import type { Fault, Load } from './load.js';
import { spread } from './report.js';

/** Milliseconds between two kills. */
const KILL_PAUSE = [20, 150] as const;

/** SIGKILL at random moments, more often to whoever holds an instance. */
export class Kills implements Fault {
  private readonly goal: number;
  private readonly pauseMs: readonly [number, number];
  private readonly killed: { readonly member: Member; readonly at: number }[] = [];

  constructor(goal: number, pauseMs: readonly [number, number] = KILL_PAUSE) {
    this.goal = goal;
    this.pauseMs = pauseMs;
  }

  async run(load: Load): Promise<void> {
    const { random, slots } = load;
    while (load.goesOn(this.killed.length, this.goal)) {
      await pause(random.int(...this.pauseMs));
      const slot = random.chance(0.6) ? load.aHolder() : random.pick(slots);
      if (!slot || slot.member.paused) continue;
      // At any moment of a process's life, its first ones included.
      if (random.chance(0.8)) await slot.member.ready.catch(() => {});
      this.killed.push({ member: slot.member, at: trueNow() });
      await load.replace(slot);
    }
    load.shouldHave(this.killed.length, this.goal, 'kills were done');
    await Promise.all(slots.map(({ member }) => member.ready.catch(() => {})));
  }

  figures(load: Load): Record<string, number> {
    const recoveries = this.recoveries(load);
    return {
      kills: this.killed.length,
      ...(recoveries.length > 0 && spread('taken over after a kill', recoveries)),
    };
  }

  /** Milliseconds from the end of a holder until another took each of its instances. */
  private recoveries({ instances, roots }: Load): number[] {
    const times: number[] = [];
    for (const { member, at } of this.killed)
      for (const instance of instances) {
        const of = roots.filter(({ commit }) => commit.instance === instance && commit.ok);
        const last = of.findLast((root) => root.commit.at <= at);
        if (last?.member !== member || last.commit.kind === 'release' || last.commit.kind === 'retry') continue;
        const next = of.find((root) => root.commit.kind === 'take' && root.commit.at > at);
        if (next) times.push(next.commit.at - at);
      }
    return times;
  }
}
