import { type Env, jittered, sleep } from '../env.js';
import { MotionError } from '../errors.js';
import type { Got, Key, Revision, Snapshot, Store } from '../store/contract.js';
import { StoreError } from '../store/errors.js';
import type { ChunkGroup, Chunks } from './chunks.js';
import type { Codec } from './codec.js';
import { Committed, type StateEntry, stateEntry } from './committed.js';
import { dirBytes } from './dir.js';
import { DIR, INIT, ROOT, stateKey } from './keys.js';
import { decodeDir, decodeInit, decodeRoot, type Root } from './records.js';

/** What a refresh found. */
export interface Fresh {
  readonly committed: Committed;
  readonly seq: number;
  readonly dueIn: number | null;
}

/** The names of the state's keys, and the revision of the entry that says so. */
interface Dir {
  readonly names: readonly string[];
  readonly rev: Revision;
}

/** What came of reading the entries that a dir names. */
type Loaded =
  | Fresh
  /** There are other names by now. */
  | { readonly renamed: Dir; readonly incarnation: Revision }
  /** The chunks of this key are not there: its value was replaced meanwhile, or is damaged. */
  | { readonly unreadable: string; readonly rev: Revision }
  | typeof TORN;

/** It changed between two gets. */
const TORN = { torn: true } as const;
const ROOT_ONLY: readonly Key[] = [ROOT];
const HEAD: readonly Key[] = [INIT, ROOT, DIR];
/** How often a state that changes while it is read is read anew, and how long a pause between may get, in milliseconds. */
const TRIES = 20;
const LONGEST_PAUSE = 250;
/** Gets of one state that are under way at the same time: more would be in the way of others. */
const AT_ONCE = 8;

/** What one process knows of one instance: the newest committed state it saw, brought up to date by what changed. */
export class View {
  current: Committed | undefined;
  private readonly store: Store;
  private readonly env: Env;
  private readonly partition: string;
  private readonly what: string;
  private readonly codec: Codec;
  private readonly chunks: Chunks;
  private started = 0;
  private installed = 0;

  constructor(store: Store, env: Env, partition: string, what: string, codec: Codec, chunks: Chunks) {
    this.store = store;
    this.env = env;
    this.partition = partition;
    this.what = what;
    this.codec = codec;
    this.chunks = chunks;
  }

  /**
   * The state as of now. One get when nothing changed; else the changed entries travel, and no others.
   *
   * @throws MotionError `INSTANCE_GONE`, `CORRUPT`
   * @throws StoreError
   */
  async refresh(): Promise<Fresh> {
    const { current } = this;
    if (!current) return this.load();
    const ticket = ++this.started;
    const { seq, dueIn, entries } = await this.store.get(this.partition, ROOT_ONLY, {
      known: [current.rootRev],
    });
    const rev = entries[0]?.rev;
    if (rev === current.rootRev) return { committed: current, seq, dueIn };
    // A commit of this very process came between: it is as good as what the get saw.
    if (rev !== undefined && rev === this.current?.rootRev) return { committed: this.current, seq, dueIn };
    return this.load(ticket);
  }

  /** Takes over what this process itself committed. */
  publish(committed: Committed): void {
    this.install(committed, ++this.started);
  }

  /** A refresh that began before another one ended must not put older state over newer. */
  private install(committed: Committed, ticket: number): void {
    if (ticket < this.installed) return;
    this.installed = ticket;
    this.current = committed;
  }

  private async load(ticket: number = ++this.started): Promise<Fresh> {
    const base = this.current;
    let dir: Dir | undefined = base && { names: [...base.entries.keys()], rev: base.dirRev };
    let incarnation = base?.root.incarnation;
    let unreadable: { readonly unreadable: string; readonly rev: Revision } | undefined;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (!dir) {
        const [init, root, names] = (await this.store.get(this.partition, HEAD)).entries;
        this.assertOurs(init, root);
        incarnation = init?.rev;
        dir = this.dirIn(names);
      }
      const loaded = await this.loadNamed(dir, base);
      if ('committed' in loaded) {
        this.install(loaded.committed, ticket);
        return loaded;
      }
      if ('renamed' in loaded) {
        // At once, as long as they are the newest. Those of another life of the instance are looked at from its head on.
        dir = loaded.incarnation === incarnation ? loaded.renamed : undefined;
        continue;
      }
      if ('unreadable' in loaded) {
        // A value is replaced before its chunks go: the same one again is no race. Another one of the same commit may be.
        if (loaded.rev === unreadable?.rev && loaded.unreadable === unreadable.unreadable)
          throw this.corrupt(
            `its state key ${JSON.stringify(loaded.unreadable)} is damaged, or chunks of it are missing`,
          );
        unreadable = loaded;
      }
      if (attempt > 1 && attempt < TRIES - 1)
        await sleep(this.env, jittered(this.env, Math.min(LONGEST_PAUSE, 2 ** attempt)));
    }
    throw new StoreError(
      'unavailable',
      `the state of ${this.what} changed ${TRIES} times while it was read; try again`,
    );
  }

  private async loadNamed(dir: Dir, base: Committed | undefined): Promise<Loaded> {
    const { names, rev } = dir;
    const keys = names.map(stateKey);
    const known = names.map((name) => base?.entries.get(name)?.rev);
    const snapshot = await this.getAll(keys, known, dir);
    if ('torn' in snapshot) return snapshot;
    const [rootEntry, dirEntry, ...got] = snapshot.entries;
    const root = this.rootIn(rootEntry);
    if (dirEntry?.rev !== rev) return { renamed: this.dirIn(dirEntry), incarnation: root.incarnation };
    const entries = new Map<string, StateEntry>();
    for (const [i, name] of names.entries()) {
      const entry = got[i];
      if (!entry) throw this.corrupt(`its state key ${JSON.stringify(name)} is missing`);
      const old = base?.entries.get(name);
      if (old?.rev === entry.rev) entries.set(name, old);
      else {
        if (!entry.value) return TORN;
        const bytes = await this.chunks.read(entry.value);
        if (!bytes) return { unreadable: name, rev: entry.rev };
        entries.set(name, this.decode(name, entry.rev, bytes, this.chunks.groupOf(entry.value)));
      }
    }
    const committed = new Committed((rootEntry as Got).rev, root, dirEntry.rev, entries, this.codec);
    return { committed, seq: snapshot.seq, dueIn: snapshot.dueIn };
  }

  /** One snapshot of root, dir and any number of keys: in several gets if need be, which then must all see one root. */
  private async getAll(
    keys: readonly Key[],
    known: readonly (Revision | undefined)[],
    dir: Dir,
  ): Promise<Snapshot | typeof TORN> {
    const { getKeys, getBytes } = this.store.limits;
    const perGet = getKeys - 2;
    // The names of very many keys take the room of values.
    const room = Math.floor((getBytes - dirBytes(dir.names)) / (this.chunks.inlineBytes + 1)) - 1;
    const inFirst = Math.max(0, Math.min(perGet, room));
    const asked = [
      { keys: [ROOT, DIR, ...keys.slice(0, inFirst)], known: [undefined, dir.rev, ...known.slice(0, inFirst)] },
    ];
    for (let n = inFirst; n < keys.length; n += perGet)
      asked.push({ keys: [ROOT, ...keys.slice(n, n + perGet)], known: [undefined, ...known.slice(n, n + perGet)] });
    const entries: (Got | undefined)[] = [];
    let first: Snapshot | undefined;
    // Many at once: the shorter it takes, the less is changed meanwhile.
    for (let n = 0; n < asked.length; n += AT_ONCE) {
      const some = asked.slice(n, n + AT_ONCE);
      const got = await Promise.all(some.map((one) => this.store.get(this.partition, one.keys, { known: one.known })));
      first ??= got[0] as Snapshot;
      // There are other names now.
      if (first.entries[1]?.rev !== dir.rev) return first;
      for (const { entries: found } of got) {
        if (found[0]?.rev !== first.entries[0]?.rev) return TORN;
        entries.push(...(entries.length === 0 ? found : found.slice(1)));
      }
    }
    return { ...(first as Snapshot), entries };
  }

  private rootIn(entry: Got | undefined): Root {
    if (!entry?.value) throw this.gone();
    const root = decodeRoot(entry.value, this.what);
    const incarnation = this.current?.root.incarnation;
    if (incarnation !== undefined && incarnation !== root.incarnation) throw this.gone();
    return root;
  }

  private dirIn(entry: Got | undefined): Dir {
    if (!entry?.value) throw this.corrupt(`its entry 'dir' is missing`);
    return { names: decodeDir(entry.value, this.what), rev: entry.rev };
  }

  private assertOurs(entry: Got | undefined, root: Got | undefined): void {
    // They come and go in one commit.
    if (!entry !== !root) throw this.corrupt(`its entry '${entry ? 'root' : 'init'}' is missing`);
    if (!entry?.value) throw this.gone();
    const init = decodeInit(entry.value, this.what);
    if (init.codec !== this.codec.name)
      throw new MotionError(
        'INVALID_OPTIONS',
        `${this.what} was written with the codec '${init.codec}'; this Motion has '${this.codec.name}': give it the same codec`,
      );
  }

  private decode(name: string, rev: Revision, bytes: Uint8Array, group: ChunkGroup | undefined): StateEntry {
    try {
      return stateEntry(rev, bytes, group, this.codec);
    } catch (cause) {
      throw this.corrupt(`its state key ${JSON.stringify(name)} cannot be decoded`, cause);
    }
  }

  private corrupt(why: string, cause?: unknown): MotionError {
    return new MotionError('CORRUPT', `${this.what} is damaged in the store: ${why}; nothing was written`, { cause });
  }

  private gone(): MotionError {
    return new MotionError(
      'INSTANCE_GONE',
      `${this.what} does not exist (any more): it was cleared, or moved; open it again to make it anew`,
    );
  }
}
