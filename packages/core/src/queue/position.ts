import type { Root } from '../state/records.js';

/** Where a call stands in the queue: it is done once the cursor is past its last update. */
export interface Position {
  readonly seq: number;
  /** The last of its updates within the batch; Infinity when only the batch is known, and perhaps but a later one. */
  readonly index: number;
}

/** A call that is durably queued. */
export interface Appended {
  /** The id of the call whose updates will run: an earlier one's if the idempotency key was used before. */
  readonly call: string;
  readonly updates: number;
  readonly position: Position;
}

/** Whether the cursor is past a position. */
export function isPast(root: Root, { seq, index }: Position): boolean {
  return root.cursor >= seq || (root.cursor === seq - 1 && root.index > index);
}
