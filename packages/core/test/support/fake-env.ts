import type { Env } from '@motion-ts/core';

/** Time that passes when it is told to. Ids are counted, chance is always in the middle. */
export class FakeEnv implements Env {
  time = 0;
  private ids = 0;
  private readonly name: string;
  private timers: { readonly at: number; readonly run: () => void }[] = [];

  constructor(name = 'fake') {
    this.name = name;
  }

  now(): number {
    return 1_700_000_000_000 + this.time;
  }

  mono(): number {
    return this.time;
  }

  timer(ms: number, run: () => void): () => void {
    const timer = { at: this.time + ms, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  turn(run: () => void): void {
    this.timer(0, run);
  }

  random(): number {
    return 0.5;
  }

  id(): string {
    return `${this.name}-${++this.ids}`;
  }

  /** How many timers wait. */
  get pending(): number {
    return this.timers.length;
  }

  /** Lets time pass, and all that follows from each timer happen before the next one fires. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await settle();
    for (;;) {
      const next = this.timers.reduce<(typeof this.timers)[0] | undefined>(
        (first, timer) => (first && first.at <= timer.at ? first : timer),
        undefined,
      );
      if (!next || next.at > end) break;
      this.time = Math.max(this.time, next.at);
      this.timers = this.timers.filter((timer) => timer !== next);
      next.run();
      await settle();
    }
    this.time = end;
  }
}

/** Lets all that needs no time happen. */
export async function settle(): Promise<void> {
  for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve));
}
