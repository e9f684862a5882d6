import type { Seen, Step } from './protocol.js';

/** The calls of one line, as the parent knows them. */
interface Line {
  readonly instance: string;
  readonly acknowledged: Set<number>;
  /** Numbers whose call failed, or that are meant never to be applied. */
  readonly excused: Set<number>;
  sent: number;
}

/** What of the calls is in the state, and what should be. */
export interface Audit {
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
  readonly problems: readonly string[];
}

/** Accounts for all calls: each that was acknowledged has exactly one effect, in the order of the calls of its line. */
export class Ledger {
  acknowledged = 0;
  private readonly lines = new Map<string, Line>();

  /** The next call of a line. */
  next(instance: string, line: string, more: Omit<Step, 'line' | 'n'> = {}): Step {
    const known = this.lines.get(line) ?? { instance, acknowledged: new Set(), excused: new Set(), sent: 0 };
    this.lines.set(line, known);
    return { line, n: ++known.sent, ...more };
  }

  /** The same, some at once. */
  nextOf(count: number, instance: string, line: string): Step[] {
    return Array.from({ length: count }, () => this.next(instance, line));
  }

  acknowledge(line: string, n: number): void {
    const known = this.lines.get(line);
    if (!known || known.acknowledged.has(n)) return;
    known.acknowledged.add(n);
    this.acknowledged++;
  }

  wasAcknowledged(line: string, n: number): boolean {
    return this.lines.get(line)?.acknowledged.has(n) ?? false;
  }

  /** That a call has no effect is no loss. */
  excuse({ line, n }: Step): void {
    this.lines.get(line)?.excused.add(n);
  }

  /** What an instance had is forgotten with it. */
  cleared(instance: string): void {
    for (const [name, line] of this.lines) if (line.instance === instance) this.lines.delete(name);
  }

  audit(instance: string, { lines, breaches }: Seen): Audit {
    const problems: string[] = [];
    let lost = 0;
    const lose = (line: string, n: number): void => {
      lost++;
      problems.push(`${instance}: ${line}#${n} was acknowledged and is lost`);
    };
    for (const [name, line] of this.lines) {
      if (line.instance !== instance) continue;
      const last = lines[name] ?? 0;
      if (last > line.sent) problems.push(`${instance}: ${name}#${last} was applied and never called`);
      for (const n of line.acknowledged) if (n > last && !line.excused.has(n)) lose(name, n);
    }
    const of = (kind: string): typeof breaches => breaches.filter((breach) => breach.kind === kind);
    const cameLate = new Set(of('reordered').map(({ line, n }) => `${line}#${n}`));
    for (const { line: name, n, after } of of('skipped'))
      for (let missing = after + 1; missing < n; missing++) {
        const line = this.lines.get(name);
        if (line?.acknowledged.has(missing) && !line.excused.has(missing) && !cameLate.has(`${name}#${missing}`))
          lose(name, missing);
        else if (!line?.excused.has(missing) && !cameLate.has(`${name}#${missing}`))
          problems.push(`${instance}: ${name}#${n} was applied, ${name}#${missing} before it was not`);
      }
    for (const { kind, line, n, after } of breaches)
      if (kind !== 'skipped') problems.push(`${instance}: ${line}#${n} was applied after ${line}#${after}: ${kind}`);
    return { lost, doubled: of('doubled').length, reordered: of('reordered').length, problems };
  }

  /** The audit of some instances, together. */
  auditAll(seen: ReadonlyMap<string, Seen>): Audit {
    const audits = [...seen].map(([instance, one]) => this.audit(instance, one));
    const sum = (of: (audit: Audit) => number): number => audits.reduce((total, audit) => total + of(audit), 0);
    return {
      lost: sum(({ lost }) => lost),
      doubled: sum(({ doubled }) => doubled),
      reordered: sum(({ reordered }) => reordered),
      problems: audits.flatMap(({ problems }) => problems),
    };
  }
}
