import type { Problem } from '../audit/invariants.js';
import type { CallRecord } from '../audit/layout.js';
import type { Consumed, Life, QueuedUpdate, StateModel, Step } from '../audit/life.js';

/** What can be said of the state of any component: it changes with the queue, and with nothing else. */
export class AnyModel implements StateModel<undefined, Life<undefined>> {
  private readonly problem: Problem;

  constructor(problem: Problem) {
    this.problem = problem;
  }

  about({ id, flow }: CallRecord): Pick<QueuedUpdate<undefined>, 'label' | 'work'> {
    return { label: `${flow === '' ? 'writeState' : flow}:${id}`, work: undefined };
  }

  born(life: Life<undefined>): Life<undefined> {
    return life;
  }

  stepped(
    { puts, commit, where }: Step<Life<undefined>>,
    consumed: readonly Consumed<undefined>[],
    direct: boolean,
  ): readonly QueuedUpdate<undefined>[] {
    const changed = [...puts.keys(), ...(commit.deletes ?? [])].find((key) => key.startsWith('s/') || key === 'dir');
    if (changed !== undefined && !direct && consumed.every(({ outcome }) => outcome !== undefined))
      this.problem(`${where} changes ${changed}, but consumes no update that could`, 'I2');
    return [];
  }

  restarted(): void {}

  quiet(): void {}
}
