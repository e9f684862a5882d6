import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { MakeSubject } from '../subject.js';

/**
 * The same durable steps by hand, with the driver alone: an append to a queue in one transaction, then one more for the
 * state's change and the removal from the queue. No lease, no fence, one process.
 */
export const bareSqlite =
  (synchronous: 'FULL' | 'NORMAL'): MakeSubject =>
  async ({ directory }) => {
    const database = new Database(join(directory, 'bare.db'));
    database.pragma('journal_mode = WAL');
    database.pragma(`synchronous = ${synchronous}`);
    database.exec(`
      CREATE TABLE IF NOT EXISTS state (id TEXT, key TEXT, value TEXT, PRIMARY KEY (id, key));
      CREATE TABLE IF NOT EXISTS queue (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, payload TEXT);
    `);
    const read = database.prepare<[string], string>(`SELECT value FROM state WHERE id = ? AND key = 'count'`).pluck();
    const init = database.prepare<[string, string, string]>('INSERT OR IGNORE INTO state VALUES (?, ?, ?)');
    const append = database.prepare<[string, string]>('INSERT INTO queue (id, payload) VALUES (?, ?)');
    const write = database.prepare<[string, string]>(`UPDATE state SET value = ? WHERE id = ? AND key = 'count'`);
    const remove = database.prepare<[number | bigint]>('DELETE FROM queue WHERE seq = ?');
    const countOf = (id: string): number => JSON.parse(read.get(id) ?? '0') as number;
    const apply = database.transaction((id: string, seq: number | bigint) => {
      write.run(JSON.stringify(countOf(id) + 1), id);
      remove.run(seq);
    });
    return {
      async open(id, bytes) {
        init.run(id, 'count', '0');
        init.run(id, 'blob', JSON.stringify('x'.repeat(bytes)));
        let last: Promise<void> = Promise.resolve();
        return {
          serve: async () => countOf(id) + 1,
          async call(wait) {
            const result = countOf(id) + 1;
            const seq = append.run(id, JSON.stringify({ serveResult: result })).lastInsertRowid;
            last = last.then(() => apply(id, seq));
            if (wait) await last;
            return result;
          },
          flush: () => last,
          count: async () => countOf(id),
        };
      },
      async close() {
        database.close();
      },
    };
  };
