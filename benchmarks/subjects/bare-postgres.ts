import pg from 'pg';
import type { MakeSubject } from '../subject.js';
import { requests } from './postgres-requests.js';

/**
 * The same durable steps by hand, with the driver alone: an append to a queue in one statement, then one statement, and
 * so one transaction, for the state's change and the removal from the queue. Statements are prepared, connections pooled.
 * No lease, no fence, one process.
 */
export const barePostgres: MakeSubject = async ({ server, name }) => {
  const pool = new pg.Pool({ connectionString: server, max: 10 });
  const schema = `"${name}"`;
  await pool.query(`
    CREATE SCHEMA IF NOT EXISTS ${schema};
    CREATE TABLE IF NOT EXISTS ${schema}.state (id text, key text, value text NOT NULL, PRIMARY KEY (id, key));
    CREATE TABLE IF NOT EXISTS ${schema}.queue (
      seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL, payload text NOT NULL
    );
  `);
  const run = async (statement: string, text: string, values: unknown[]): Promise<Record<string, string>[]> =>
    (await pool.query({ name: statement, text, values })).rows;
  const init = (id: string, key: string, value: string): Promise<unknown> =>
    run('init', `INSERT INTO ${schema}.state VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, [id, key, value]);
  return {
    async open(id, bytes) {
      await init(id, 'count', '0');
      await init(id, 'blob', JSON.stringify('x'.repeat(bytes)));
      const count = async (): Promise<number> => {
        const [row] = await run('count', `SELECT value FROM ${schema}.state WHERE id = $1 AND key = 'count'`, [id]);
        return JSON.parse(row?.['value'] ?? '0') as number;
      };
      const append = async (payload: string): Promise<string> => {
        const text = `INSERT INTO ${schema}.queue (id, payload) VALUES ($1, $2) RETURNING seq`;
        const [row] = await run('append', text, [id, payload]);
        return row?.['seq'] as string;
      };
      const apply = (seq: string): Promise<unknown> =>
        run(
          'apply',
          `WITH done AS (DELETE FROM ${schema}.queue WHERE seq = $2)
           UPDATE ${schema}.state SET value = (value::bigint + 1)::text WHERE id = $1 AND key = 'count'`,
          [id, seq],
        );
      let last: Promise<unknown> = Promise.resolve();
      return {
        serve: async () => (await count()) + 1,
        async call(wait) {
          const result = (await count()) + 1;
          const seq = await append(JSON.stringify({ serveResult: result }));
          last = last.then(() => apply(seq));
          if (wait) await last;
          return result;
        },
        flush: async () => {
          await last;
        },
        count,
      };
    },
    requests,
    close: () => pool.end(),
  };
};
