/** A call that may share a statement with others. */
export interface Call {
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
  /** Told when its deadline passes before it was sent. */
  late(): void;
}

/**
 * Lets calls that wait share statements. There are a few lanes, each with one statement at a time. With nothing under
 * way, a call is sent at once, so a lone caller waits for nobody. Else calls gather until the end of the turn, in which
 * more are likely to come, or until a lane is free; then as many are sent as go together.
 */
export class Batcher<C extends Call> {
  readonly #lanes: number;
  readonly #choose: (waiting: readonly C[]) => C[];
  readonly #send: (batch: readonly C[]) => Promise<void>;
  #waiting: C[] = [];
  #busy = 0;
  #gathering: NodeJS.Immediate | undefined;

  /**
   * @param choose which of the waiting calls go next; none: not before another batch has come back
   * @param send settles every call of a batch, or gives it back by {@link addFirst}; never rejects
   */
  constructor(lanes: number, choose: (waiting: readonly C[]) => C[], send: (batch: readonly C[]) => Promise<void>) {
    this.#lanes = lanes;
    this.#choose = choose;
    this.#send = send;
  }

  add(call: C): void {
    this.#waiting.push(call);
    if (this.#busy === 0 && this.#gathering === undefined) this.#pump();
    else this.#pumpLater();
  }

  /** Puts calls in front that must be sent again. */
  addFirst(calls: readonly C[]): void {
    this.#waiting.unshift(...calls);
  }

  #pumpLater(): void {
    if (this.#busy < this.#lanes) this.#gathering ??= setImmediate(this.#pump);
  }

  #pump = (): void => {
    this.#gathering = undefined;
    while (this.#busy < this.#lanes && this.#waiting.length > 0) {
      this.#dropLate();
      const batch = this.#choose(this.#waiting);
      if (batch.length === 0) return;
      if (batch.length === this.#waiting.length) this.#waiting = [];
      else {
        const gone = new Set(batch);
        this.#waiting = this.#waiting.filter((call) => !gone.has(call));
      }
      this.#busy++;
      void this.#send(batch).then(this.#sent);
    }
  };

  #sent = (): void => {
    this.#busy--;
    if (this.#waiting.length > 0) this.#pumpLater();
  };

  /** No timer watches the waiting: a batch comes back at its oldest call's deadline, which is before theirs. */
  #dropLate(): void {
    const now = performance.now();
    if (this.#waiting.every((call) => call.deadline > now)) return;
    const late = this.#waiting.filter((call) => call.deadline <= now);
    this.#waiting = this.#waiting.filter((call) => call.deadline > now);
    for (const call of late) call.late();
  }
}
