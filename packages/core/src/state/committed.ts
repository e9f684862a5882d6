import type { Revision } from '../store/contract.js';
import type { ChunkGroup } from './chunks.js';
import type { Codec } from './codec.js';
import { hash } from './keys.js';
import type { Root } from './records.js';
import { deepFreeze } from './values.js';

/** One top-level key of the state, as it was committed. */
export interface StateEntry {
  /** Empty until the commit that writes it has an id. */
  rev: Revision;
  /** Decoded and frozen. */
  readonly value: unknown;
  /** Kept only when the value holds bytes, which cannot be frozen: every reader gets a copy of its own. */
  readonly bytes: Uint8Array | undefined;
  /** The chunks that hold it, if it is big. */
  group: ChunkGroup | undefined;
}

/** The state of an instance at one point in the order of its commits. */
export class Committed {
  readonly rootRev: Revision;
  readonly root: Root;
  readonly dirRev: Revision;
  readonly entries: ReadonlyMap<string, StateEntry>;
  readonly codec: Codec;
  private shared: Readonly<Record<string, unknown>> | undefined;
  private fingerprint: string | undefined;

  constructor(rootRev: Revision, root: Root, dirRev: Revision, entries: ReadonlyMap<string, StateEntry>, codec: Codec) {
    this.rootRev = rootRev;
    this.root = root;
    this.dirRev = dirRev;
    this.entries = entries;
    this.codec = codec;
  }

  /** The same state under a newer root, and perhaps a newer dir. */
  withRoot(rootRev: Revision, root: Root, dirRev: Revision = this.dirRev): Committed {
    const next = new Committed(rootRev, root, dirRev, this.entries, this.codec);
    next.shared = this.shared;
    if (dirRev === this.dirRev) next.fingerprint = this.fingerprint;
    return next;
  }

  /**
   * Tells this state from every other that ever was: the commits that wrote its entries. A version number would not do:
   * when a store falls back to an earlier moment, it counts on from there, and two states have one number.
   */
  get identity(): string {
    this.fingerprint ??= hash([this.dirRev, ...Array.from(this.entries.values(), ({ rev }) => rev)].join(' '));
    return this.fingerprint;
  }

  /** The state as methods and callers see it: frozen, and one object for all of them unless it holds bytes. */
  get state(): Readonly<Record<string, unknown>> {
    return this.shared ?? this.build();
  }

  private build(): Readonly<Record<string, unknown>> {
    const state: Record<string, unknown> = {};
    let share = true;
    for (const [name, entry] of this.entries) {
      const { bytes } = entry;
      if (bytes) {
        share = false;
        let copy: { readonly value: unknown } | undefined;
        const get = (): unknown => {
          copy ??= { value: frozen(this.codec.decode(bytes)) };
          return copy.value;
        };
        Object.defineProperty(state, name, { get, enumerable: true });
      } else state[name] = entry.value;
    }
    Object.freeze(state);
    if (share) this.shared = state;
    return state;
  }
}

function frozen(value: unknown): unknown {
  deepFreeze(value);
  return value;
}

/** An entry of the state from the codec's bytes: decoded anew, so that it shares nothing with what was encoded. */
export function stateEntry(rev: Revision, bytes: Uint8Array, group: ChunkGroup | undefined, codec: Codec): StateEntry {
  const value = codec.decode(bytes);
  const holdsBytes = deepFreeze(value);
  return { rev, value, bytes: holdsBytes ? bytes : undefined, group };
}
