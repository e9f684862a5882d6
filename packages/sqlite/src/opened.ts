import type {
  CommitResult,
  Key,
  Limits,
  Revision,
  ScanPage,
  ScanQuery,
  Snapshot,
  StoreError,
} from '@motion-ts/core/store';
import { type Applied, Applier } from './apply.js';
import { bytesIn, type OwnCommit } from './arguments.js';
import { type Connection, valuesOf } from './connection.js';
import { assertNoTransaction } from './failure.js';
import { GroupCommit } from './group.js';
import { type Alarm, Heads } from './heads.js';
import { ResultCache } from './result-cache.js';
import { Seen } from './seen.js';
import { SnapshotReader, snapshotOf } from './snapshot.js';
import { Walker } from './walk.js';
import type { Watchers } from './watchers.js';

/** The store's side of an open database: all that has prepared statements. Its reads throw what SQLite throws. */
export class Opened {
  readonly connection: Connection;
  readonly walker: Walker;
  readonly #heads: Heads;
  readonly cache: ResultCache;
  readonly group: GroupCommit;
  readonly #reader: SnapshotReader;
  readonly #applier: Applier;
  readonly #seen: Seen | undefined;
  readonly #watchers: Watchers;

  /** @param own whether nobody else uses the connection */
  constructor(connection: Connection, own: boolean, limits: Limits, watchers: Watchers) {
    this.connection = connection;
    this.walker = new Walker(connection);
    this.cache = new ResultCache(connection);
    this.#reader = new SnapshotReader(connection, limits);
    this.#heads = new Heads(connection);
    this.#applier = new Applier(connection, this.#heads);
    const dataVersion = valuesOf(connection, 'PRAGMA data_version');
    this.#seen = own ? new Seen(dataVersion) : undefined;
    this.group = new GroupCommit(connection, () => this.#seen?.forget());
    this.#watchers = watchers;
    watchers.opened(dataVersion);
  }

  /** Before every read, see there. A connection of our own has no transaction between turns. */
  assertReadable(): void {
    if (this.#seen === undefined) assertNoTransaction(this.connection);
  }

  get(partition: string, keys: readonly Key[], known: readonly (Revision | undefined)[] | undefined): Snapshot {
    const seen = this.#seen?.find(partition, keys, known);
    if (seen !== undefined) return snapshotOf(seen);
    const found = this.#reader.read(partition, keys, known);
    this.#seen?.read(partition, keys, found);
    return snapshotOf(found);
  }

  commit(partition: string, commit: OwnCommit, deadline: number): Promise<CommitResult> {
    return new Promise((resolve, reject) => {
      let applied: Applied;
      this.group.add({
        what: () => `commit ${commit.id} in ${partition}`,
        bytes: bytesIn(commit),
        deadline,
        apply: () => {
          applied = this.#applier.apply(partition, commit);
        },
        applied: () => {
          if (applied.result.ok) {
            this.#seen?.committed(partition, commit, applied.head);
            this.#watchers.tell(partition);
          }
          resolve(applied.result);
        },
        rejected: reject,
      });
    });
  }

  scan(query: ScanQuery, cursor: string | undefined, deadline: number): ScanPage {
    return this.walker.scan(query, cursor, (alarms) => this.#correct(alarms, deadline));
  }

  /** A change of the cache: it shares the transactions of the commits. */
  write(what: () => string, bytes: number, deadline: number, apply: () => void): Promise<void> {
    return new Promise((resolve, reject: (error: StoreError) => void) => {
      this.group.add({ what, bytes, deadline, apply, applied: resolve, rejected: reject });
    });
  }

  /** Alarms that came too early cost every scan a look, and nothing else: should this fail, the next scan tries again. */
  #correct(alarms: readonly Alarm[], deadline: number): void {
    this.write(
      () => 'correcting alarms',
      0,
      deadline,
      () => {
        for (const alarm of alarms) this.#heads.correct(alarm);
      },
    ).catch(() => {});
  }
}
