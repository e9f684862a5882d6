import { MotionError } from '../errors.js';
import type { QueueContext } from '../queue/context.js';
import type { Root } from '../state/records.js';
import { listDeadLetters, updateFailed } from './dead-letters.js';

/** Up to where the dead letters of an instance were told of. */
export interface Since {
  readonly seq: number;
  readonly deadLetters: number;
}

/** What a handle's flushes told of: each failed update once, and none from before the handle. */
export class ReportedFailures {
  private seq: number;
  private deadLetters: number;

  constructor({ cursor, deadLetters }: Root) {
    this.seq = cursor;
    this.deadLetters = deadLetters;
  }

  /** To be asked when a flush begins: another one may end before it. */
  since(): Since {
    return { seq: this.seq, deadLetters: this.deadLetters };
  }

  /**
   * Ends a flush.
   *
   * @param until the last batch that was waited for, the root by then, and the flow, if only one is asked for
   * @throws MotionError `UPDATE_FAILED`, with `errors`: those that failed since
   */
  async assertNoneFailed(
    queue: QueueContext,
    since: Since,
    { root, seq, flow }: { readonly root: Root; readonly seq: number; readonly flow: string | undefined },
  ): Promise<void> {
    if (root.deadLetters <= since.deadLetters) return;
    const letters = await listDeadLetters(queue);
    const failed = letters.filter(
      ({ dead }) => dead.seq > since.seq && dead.seq <= seq && (flow === undefined || dead.flow === flow),
    );
    if (flow === undefined) {
      this.seq = Math.max(this.seq, seq);
      // The commit that ended the wait may have had later ones too: they are for the next flush.
      const later = letters.filter(({ dead }) => dead.seq > this.seq).length;
      this.deadLetters = root.deadLetters - later;
    }
    if (failed.length === 0) return;
    const errors = failed.map(({ id, dead }) => updateFailed(queue.what, id, dead));
    const [first] = errors as [MotionError, ...MotionError[]];
    const message =
      errors.length === 1
        ? first.message
        : `${errors.length} updates of ${queue.what} failed; the first: ${first.message}`;
    throw new MotionError('UPDATE_FAILED', message, { cause: first.cause, errors });
  }
}
