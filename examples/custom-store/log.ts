import { randomBytes } from 'node:crypto';
import { readSync } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type CommitResult, StoreError, type StoreErrorCode } from '@motion-ts/core/store';
import { Contents, type LogRecord } from './contents.js';

interface Waiting {
  readonly by: string;
  readonly text: string;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: StoreError) => void;
  /** What the log makes of it, once it was read up to this record. */
  result?: CommitResult;
}

const [BEGIN, END] = ['\n', '\t'];
/** Records of one write, at most: one may have megabytes. */
const BATCH = 32;

/**
 * One file that all processes append to, and read from its beginning. The operating system puts appends one behind the
 * other: so nobody needs a lock, and nobody can die with one.
 */
export class Log {
  readonly #path: string;
  readonly #onRecord: (record: LogRecord) => void;
  readonly #contents = new Contents();
  #file: Promise<FileHandle> | undefined;
  #position = 0;
  #buffer = Buffer.allocUnsafe(1 << 20);
  /** Tells this process's records from all others ever. */
  readonly #session = randomBytes(12).toString('hex');
  #count = 0;
  #waiting: Waiting[] = [];
  readonly #sent = new Map<string, Waiting>();
  #pumping = false;

  constructor(path: string, onRecord: (record: LogRecord) => void) {
    this.#path = path;
    this.#onRecord = onRecord;
  }

  /** What the log says as of now, whoever wrote it (C3). @throws StoreError */
  async upToDate(): Promise<Contents> {
    const { fd } = await this.#opened();
    // In slices: a long log must not block this process.
    while (this.#read(fd)) await setImmediate();
    return this.#contents;
  }

  /** Appends a record. Resolves when it is durable, with what it came to in its place. @throws StoreError */
  append(record: (by: string) => LogRecord): Promise<CommitResult> {
    const by = `${this.#session}-${this.#count++}`;
    return new Promise((resolve, reject) => {
      // #region record
      // JSON holds neither of the two. A process that is killed while it appends leaves a record without its end; whatever
      // is appended next begins a new one, and everybody skips the torn one.
      this.#waiting.push({ by, text: BEGIN + JSON.stringify(record(by)) + END, resolve, reject });
      // #endregion
      if (!this.#pumping) void this.#pump();
    });
  }

  async close(): Promise<void> {
    await (await this.#file)?.close();
  }

  // #region pump
  /** One write and one sync for all that waits; what comes meanwhile waits for the next. */
  async #pump(): Promise<void> {
    this.#pumping = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      for (const waiting of batch) this.#sent.set(waiting.by, waiting);
      const failure = await this.#write(Buffer.from(batch.map(({ text }) => text).join('')));
      // A write that failed half-way wrote some: what became of each is what everybody reads.
      const unread = await this.upToDate().then(() => undefined, storeErrorOf('unknown'));
      for (const { by, result, resolve, reject } of batch) {
        this.#sent.delete(by);
        if (result && failure?.code !== 'unknown') resolve(result);
        else reject(unread ?? failure ?? new StoreError('corrupt', `${this.#path} does not hold what was written`));
      }
    }
    this.#pumping = false;
  }

  /** @returns why not all of it is in the file, or not surely durable */
  async #write(bytes: Buffer): Promise<StoreError | undefined> {
    try {
      const file = await this.#opened();
      const { bytesWritten } = await file.write(bytes);
      await file.datasync().catch((error) => {
        throw storeErrorOf('unknown')(error);
      });
      return bytesWritten < bytes.length ? new StoreError('full', `no room for more in ${this.#path}`) : undefined;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      return storeErrorOf(['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code) ? 'full' : 'unavailable')(error);
    }
  }
  // #endregion

  // #region read
  /** Applies what was appended. @returns whether there may be more */
  #read(fd: number): boolean {
    const size = readSync(fd, this.#buffer, 0, this.#buffer.length, this.#position);
    const data = this.#buffer.subarray(0, size);
    let at = 0;
    while (at < size) {
      const next = data.indexOf(BEGIN, at + 1);
      const end = next < 0 ? size : next;
      const isWhole = data[end - 1] === END.charCodeAt(0);
      // Without its end, and nothing behind it: it is on its way, or torn. What comes next tells.
      if (!isWhole && next < 0) break;
      if (isWhole) this.#apply(data.toString('utf8', at, end - 1));
      this.#position += end - at;
      at = end;
    }
    if (size < this.#buffer.length) return false;
    if (at === 0) this.#buffer = Buffer.allocUnsafe(2 * size);
    return true;
  }
  // #endregion

  #apply(text: string): void {
    let record: LogRecord;
    try {
      record = JSON.parse(text);
    } catch (cause) {
      throw new StoreError('corrupt', `${this.#path} is damaged at byte ${this.#position}`, { cause });
    }
    const result = this.#contents.apply(record);
    const own = this.#sent.get(record.by);
    if (own) own.result = result;
    this.#onRecord(record);
  }

  #opened(): Promise<FileHandle> {
    this.#file ??= this.#open().catch((error) => {
      // The next call tries again.
      this.#file = undefined;
      throw storeErrorOf('unavailable')(error);
    });
    return this.#file;
  }

  async #open(): Promise<FileHandle> {
    await mkdir(dirname(this.#path), { recursive: true });
    const file = await open(this.#path, 'a+', 0o600);
    // Else a power loss could take the file with all that was synced in it: its name is in the directory.
    const directory = await open(dirname(this.#path), 'r');
    await directory.sync().finally(() => directory.close());
    return file;
  }
}

const storeErrorOf =
  (code: StoreErrorCode) =>
  (cause: unknown): StoreError =>
    StoreError.is(cause) ? cause : new StoreError(code, `the log: ${(cause as Error).message}`, { cause });
