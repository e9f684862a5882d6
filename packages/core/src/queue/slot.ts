import type { Env } from '../env.js';
import { slotKey } from '../state/keys.js';
import { encodeStamp } from '../state/records.js';
import type { Check, Key, Put, Revision } from '../store/contract.js';

/**
 * The entry of one writer in an instance's partition. Each commit that puts a call of that writer into effect checks and
 * replaces it: so of all that are sent for one call, and of all copies of them, at most one is applied.
 */
export class Slot {
  readonly key: Key;
  /** As this writer knows it; null before its first commit. */
  rev: Revision | null = null;
  private readonly env: Env;

  constructor(env: Env, session: string) {
    this.env = env;
    this.key = slotKey(session);
  }

  check(): Check {
    return { key: this.key, rev: this.rev };
  }

  put(): Put {
    return { key: this.key, value: encodeStamp(this.env.now()) };
  }
}
