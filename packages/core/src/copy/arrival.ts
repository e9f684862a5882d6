import { MotionError } from '../errors.js';
import { finishClear } from '../runtime/clear.js';
import { CHUNKS, DIR, GONE, IDEMPOTENCY, INIT, MOVED, outcomeKey, ROOT, stateKey } from '../state/keys.js';
import { decodeMark, decodeMoved, encodeMark, encodeMoved, type Mark } from '../state/marks.js';
import { encodeOutcome, encodeRoot, type Root } from '../state/records.js';
import { commitOnce } from '../store/commit-once.js';
import type { Check, Key, Put } from '../store/contract.js';
import { StoreError } from '../store/errors.js';
import { Fence } from '../store/fence.js';
import type { Item } from './content.js';
import type { Head, Place } from './place.js';

type Arriving = Extract<Mark, { kind: 'arriving' }>;

/** Bytes of one commit, at most. */
const COMMIT_BYTES = 1 << 20;
/** Room for keys and for the mark. */
const SLACK = 4_096;
/** Chunks are listed with their values: few at a time. */
const [FEW, MANY] = [8, 64];

/**
 * An instance on its way into a store. A mark keeps everybody else out; it is replaced by every commit, under a check of
 * the revision it had: so of two that copy the same instance, the later one ends the earlier one. One last commit takes the
 * mark away and makes the instance.
 */
export class Arrival {
  /** What was appended before. */
  readonly base: number;
  private readonly place: Place;
  private readonly incarnation: string;
  private readonly fence: Fence<Arriving>;
  private checks: Check[] = [];
  private puts: Put[] = [];
  private appends: Uint8Array[] = [];
  private bytes = 0;
  private batches = 0;

  private constructor(place: Place, incarnation: string, fence: Fence<Arriving>, base: number) {
    this.place = place;
    this.incarnation = incarnation;
    this.fence = fence;
    this.base = base;
  }

  /**
   * Begins, on what an earlier one left if need be.
   *
   * @param incarnation which instance it is, where it comes from
   * @returns undefined: it is here already
   * @throws MotionError `INSTANCE_EXISTS`, `LEASE_LOST`
   */
  static async begin(place: Place, incarnation: string): Promise<Arrival | undefined> {
    const { env, store, partition, what, patienceMs } = place;
    for (;;) {
      const [init, root, gone, moved] = (await store.get(partition, [INIT, ROOT, GONE, MOVED])).entries;
      if (moved?.value && init && decodeMoved(moved.value, what) === incarnation) return undefined;
      if (init || root)
        throw new MotionError('INSTANCE_EXISTS', `${what} is in the store to copy to already, and is another one`);
      const mark = gone?.value && decodeMark(gone.value, what);
      if (mark && mark.kind === 'cleared') {
        await finishClear(place);
        continue;
      }
      if (mark && mark.kind === 'left' && !mark.arrived)
        throw new MotionError(
          'INSTANCE_EXISTS',
          `${what} was moving from the store to copy to, and did not arrive: finish that first`,
        );
      const record: Arriving = { kind: 'arriving', at: env.now(), incarnation };
      const fence = new Fence<Arriving>(record, gone?.rev ?? null, {
        env,
        store,
        partition,
        key: GONE,
        encode: encodeMark,
        patienceMs,
        what: `the copy of ${what}`,
      });
      const absent = [INIT, ROOT].map((key): Check => ({ key, rev: null }));
      if (!(await fence.change((r) => r, { checks: absent, due: { in: null } })).ok) continue;
      await wipe(place, fence);
      const { seq } = await store.get(partition, []);
      return new Arrival(place, incarnation, fence, seq);
    }
  }

  /** Writes one part of the instance, or keeps it for the next commit. @throws MotionError `LEASE_LOST`; StoreError */
  async write(item: Item): Promise<void> {
    const { chunks } = this.place;
    if (item.kind === 'names') await this.put(DIR, item.bytes);
    else if (item.kind === 'idempotency') await this.put(IDEMPOTENCY + item.name, item.bytes);
    else if (item.kind === 'state') await this.put(stateKey(item.name), await this.stored(item.bytes));
    else if (item.kind === 'batch') {
      const value = await this.stored(item.bytes);
      await this.room(value.byteLength, 1);
      this.appends.push(value);
      this.batches++;
    } else {
      const { outcome, name } = item;
      const here = { ...outcome, seq: outcome.seq + this.base };
      const value =
        here.kind === 'dead'
          ? { ...here, payload: await this.stored(here.payload, Math.floor(chunks.inlineBytes / 4)) }
          : here;
      await this.put(outcomeKey(name), encodeOutcome(value));
    }
  }

  /** Commits what was kept. */
  async flush(): Promise<void> {
    const { checks, puts, appends } = this;
    if (puts.length === 0 && appends.length === 0) return;
    [this.checks, this.puts, this.appends, this.bytes] = [[], [], [], 0];
    const changed = await this.fence.change((r) => r, { checks, puts, ...(appends.length > 0 && { appends }) });
    if (!changed.ok)
      throw new StoreError('unavailable', `parts of ${this.place.what} were swept while it was copied; copy it again`);
  }

  /** The head that the instance will have here. */
  headOf(init: Uint8Array, relative: Root): Head {
    const { base } = this;
    const root = { ...relative, cursor: base, carefulUntil: relative.carefulUntil && relative.carefulUntil + base };
    return { init, root, seq: base + this.batches };
  }

  /**
   * Makes the instance, all of which was written.
   *
   * @throws MotionError `LEASE_LOST`, `COPY_MISMATCH`; StoreError, with `unknown` it may be there
   */
  async finish({ init, root, seq }: Head): Promise<void> {
    const { env, store, partition, what, patienceMs } = this.place;
    const id = env.id();
    const puts: Put[] = [
      { key: INIT, value: init },
      { key: ROOT, value: encodeRoot({ ...root, incarnation: id }) },
      { key: MOVED, value: encodeMoved(this.incarnation) },
    ];
    const commit = {
      id,
      checks: [
        { key: GONE, rev: this.fence.rev },
        { key: INIT, rev: null },
      ],
      puts,
      deletes: [GONE],
      due: { in: seq > root.cursor ? 0 : null },
    };
    const outcome = await commitOnce(env, store, partition, commit, INIT, env.mono() + patienceMs);
    if (outcome.applied === 'open') throw outcome.error;
    if (!outcome.applied) throw this.fence.abandon();
    const { entries } = await store.get(partition, [INIT, ROOT, MOVED]);
    for (const [i, { key, value }] of puts.entries()) {
      const entry = entries[i];
      // It may be at work by now.
      if (entry?.rev === id && !(entry.value && Buffer.from(entry.value).equals(value)))
        throw new MotionError('COPY_MISMATCH', `the entry '${key}' of ${what} does not read back as it was written`);
    }
  }

  private async put(key: Key, value: Uint8Array): Promise<void> {
    await this.room(key.length + value.byteLength, 1);
    this.puts.push({ key, value });
  }

  /** Makes a value fit for an entry here. Its chunks are there before the commit that points to them. */
  private async stored(bytes: Uint8Array, inlineBytes?: number): Promise<Uint8Array> {
    const guard: Check = { key: GONE, rev: this.fence.rev };
    const { chunks, store } = this.place;
    const most = Math.min(inlineBytes ?? chunks.inlineBytes, store.limits.commitBytes - SLACK);
    const stored = await chunks.write(bytes, [guard], most);
    if (!stored) throw this.fence.abandon();
    if (stored.check) {
      await this.room(stored.value.byteLength, 2);
      this.checks.push(stored.check);
    }
    return stored.value;
  }

  private async room(bytes: number, ops: number): Promise<void> {
    const { commitOps, commitBytes } = this.place.store.limits;
    const taken = this.checks.length + this.puts.length + this.appends.length;
    if (taken + ops + 2 > commitOps || this.bytes + bytes > Math.min(COMMIT_BYTES, commitBytes - SLACK))
      await this.flush();
    this.bytes += bytes;
  }
}

/** Deletes what is there, but for the mark. */
async function wipe({ store, partition }: Place, fence: Fence<Arriving>): Promise<void> {
  for (const [prefix, limit] of [
    [CHUNKS, FEW],
    ['', Math.min(MANY, store.limits.commitOps - 2)],
  ] as const)
    for (let after: Key | undefined; ; ) {
      const page = await store.list(partition, { prefix, limit, ...(after !== undefined && { after }) });
      after = page.at(-1)?.key;
      if (after === undefined) break;
      const deletes = page.map(({ key }) => key).filter((key) => key !== GONE);
      if (deletes.length > 0) await fence.change((r) => r, { deletes });
    }
}
