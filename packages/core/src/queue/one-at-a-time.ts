import type { Signal } from '../signal.js';

/** Lets one in at a time, in the order in which they came. */
export class OneAtATime {
  private tail: Promise<void> = Promise.resolve();

  /**
   * Resolves when it is one's turn.
   *
   * @param signal ends the wait: then one is not in, and what is returned does nothing
   * @returns lets the next one in
   */
  async enter(signal: Signal): Promise<() => void> {
    const before = this.tail;
    let leave = (): void => undefined;
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    this.tail = before.then(() => left);
    const given = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([before, given]);
    return leave;
  }
}
