import { appendKey, type Key, type Limits, type Revision, type Store } from '@motion-ts/core/store';
import { type Call, listAll } from './calls.js';
import type { At, CommitDraft, Draft, KeyDraft } from './drafts.js';

/** Makes calls of drafts, by the state that the model is in. */
export class Resolver {
  readonly #base: string;
  readonly #places: readonly string[];
  readonly #limits: Limits;
  readonly #sent: Call[] = [];
  /** Every revision that an entry may have had, by partition and key. */
  readonly #revisions: Map<string, string[]> = new Map();
  #commits = 0;

  constructor(base: string, places: readonly string[], limits: Limits) {
    this.#base = base;
    this.#places = places;
    this.#limits = limits;
  }

  /** @param model in the state that the call will meet */
  async resolve(draft: Draft, model: Store): Promise<Call> {
    switch (draft.kind) {
      case 'commit':
        return this.#commit(draft, model);
      case 'again': {
        // Of few, one of them all the same: so that calls between can be left out.
        const sent = this.#sent.at(-1 - (draft.back % Math.max(1, this.#sent.length)));
        return sent ?? this.#commit(NOTHING, model);
      }
      case 'drop':
        return this.#drop(this.#place(draft.place), model);
      case 'get': {
        const partition = this.#place(draft.place);
        const { seq } = await model.get(partition, []);
        const keys = draft.keys.map(({ key }) => keyOf(key, seq));
        const known = await Promise.all(
          draft.keys.map(async (one, i) =>
            one.known === 'none'
              ? undefined
              : ((await this.#revision(model, partition, keys[i] as Key, one.known)) ?? undefined),
          ),
        );
        return { method: 'get', partition, keys, known };
      }
      case 'list': {
        const { prefix, after, limit } = draft;
        return { method: 'list', partition: this.#place(draft.place), prefix, after, limit };
      }
      case 'scan': {
        const query = draft.of === 'prefix' ? { prefix: this.#base } : { due: true as const };
        const sharded = draft.of === 'shards' ? { ...query, due: true as const, shard: [1, 2] as const } : query;
        return { method: 'scan', query: sharded, among: this.#places };
      }
      case 'cacheSet':
        return {
          method: 'cacheSet',
          partition: this.#place(draft.place),
          key: draft.key,
          value: bytesOf(draft.value),
        };
      case 'cacheGet':
        return { method: 'cacheGet', partition: this.#place(draft.place), key: draft.key };
      case 'cacheClear':
        return { method: 'cacheClear', partition: this.#place(draft.place) };
    }
  }

  async #commit(draft: CommitDraft, model: Store): Promise<Call> {
    const partition = this.#place(draft.place);
    const { seq } = await model.get(partition, []);
    const id = this.#id();
    const checks = [];
    for (const { key: keyDraft, at } of draft.checks) {
      const key = keyOf(keyDraft, seq);
      checks.push({ key, rev: await this.#revision(model, partition, key, at) });
    }
    for (const { key } of draft.puts) this.#remember(partition, key, id);
    for (let i = 1; i <= draft.appends.length; i++) this.#remember(partition, appendKey(seq + i), id);
    const call: Call = {
      method: 'commit',
      partition,
      commit: {
        id,
        checks,
        seqIs: draft.seqIs === undefined ? undefined : seq + draft.seqIs,
        puts: draft.puts.map(({ key, value }) => ({ key, value: bytesOf(value) })),
        appends: draft.appends.map(bytesOf),
        // What a commit appends itself, it does not delete.
        deletes: draft.deletes.flatMap((key) => (seq === 0 && typeof key === 'number' ? [] : [keyOf(key, seq)])),
        due: draft.due,
      },
    };
    this.#sent.push(call);
    return call;
  }

  /** Deletes all there is, and drops the partition if that fits one commit. */
  async #drop(partition: string, model: Store): Promise<Call> {
    const keys = (await listAll(model, partition, '', 100)).map(({ key }) => key);
    const { seq } = await model.get(partition, []);
    // Sent again, an earlier one might delete what it appends: the numbers start afresh.
    this.#sent.length = 0;
    const most = this.#limits.commitOps;
    const commit = { id: this.#id(), seqIs: seq, deletes: keys.slice(0, most), drop: keys.length <= most };
    return { method: 'commit', partition, commit };
  }

  async #revision(model: Store, partition: string, key: Key, at: At): Promise<Revision | null> {
    const [entry] = (await model.get(partition, [key])).entries;
    if (at === 'absent') return null;
    if (at === 'now') return entry?.rev ?? null;
    const own = this.#revisions.get(`${partition} ${key}`) ?? [];
    if (at === 'old') return own.findLast((rev) => rev !== entry?.rev) ?? 'never-was';
    if (at === 'never') return 'never-was';
    const ofOthers = [...this.#revisions.values()].flat().filter((rev) => !own.includes(rev));
    return ofOthers.at(-1) ?? 'never-was';
  }

  #remember(partition: string, key: Key, rev: Revision): void {
    const name = `${partition} ${key}`;
    this.#revisions.set(name, [...(this.#revisions.get(name) ?? []), rev]);
  }

  #place(place: number): string {
    return this.#places[place] as string;
  }

  #id(): string {
    return `${this.#base}.${this.#commits++}`;
  }
}

const NOTHING: CommitDraft = {
  kind: 'commit',
  place: 0,
  checks: [],
  seqIs: undefined,
  puts: [],
  appends: [],
  deletes: [],
  due: undefined,
};

function keyOf(key: KeyDraft, seq: number): Key {
  return typeof key === 'string' ? key : appendKey(Math.max(1, seq - key));
}

/** One character, one byte. */
function bytesOf(value: string): Uint8Array {
  return Uint8Array.from(value, (character) => character.charCodeAt(0) & 255);
}
