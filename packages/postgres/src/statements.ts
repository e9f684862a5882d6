import { NOW } from './commit-function.js';
import type { Statement } from './connections.js';
import { schemaOf } from './schema.js';

/** The statements of the store, all but that which makes the schema. Each gives its columns as text. */
export interface Statements {
  readonly version: Statement;
  /** Commits of different partitions: the function's parameters in their order. */
  readonly commit: Statement;
  /** The snapshot of a few keys: partition, then key and known revision of each. By the number of keys, from 0. */
  readonly few: readonly Statement[];
  /** Snapshots of many keys: partitions, which of them each key is of, keys, known revisions, bytes at most. */
  readonly many: Statement;
  /** Partition, from, end, after, limit, bytes at most. */
  readonly list: Statement;
  /** Due and name to go on behind, index and number of shards, limit. */
  readonly due: Statement;
  /** From, end, after, limit. */
  readonly names: Statement;
  readonly cacheGet: Statement;
  /** Partition, key, ttl in ms, value. */
  readonly cacheSet: Statement;
  readonly cacheClear: Statement;
  /** Rows at most. */
  readonly cacheSweep: Statement;
  readonly notify: Statement;
}

/** As many keys are read by joins, which is faster; more, and the keys of several gets, by arrays. */
export const FEW_KEYS = 4;

const PARAMETERS = Array.from({ length: 19 }, (_, i) => `$${i + 1}`).join(', ');
/** Evaluated once, so that an index can be searched for it. */
const ONCE = `(SELECT floor(${NOW})::bigint)`;
const DUE_IN = `(h.due - ${NOW})::float8`;

export function statementsFor(namespace: string): Statements {
  const schema = schemaOf(namespace);
  const statement = (name: string, text: string): Statement => ({ name: `motion ${namespace} ${name}`, text });
  return {
    version: statement('version', `SELECT version FROM ${schema}.meta`),
    commit: statement('commit', `SELECT busy, failed, seq_failed, touched, seqs FROM ${schema}.commit(${PARAMETERS})`),
    few: Array.from({ length: FEW_KEYS + 1 }, (_, keys) => statement(`get ${keys}`, few(schema, keys))),
    many: statement(
      'get',
      `WITH found AS (
         SELECT x.n, e.rev, CASE WHEN e.rev = x.rev THEN NULL ELSE e.v END AS v
         FROM unnest($2::int[], $3::text[], $4::text[]) WITH ORDINALITY x(of, k, rev, n)
         JOIN ${schema}.entry e ON e.p = ($1::text[])[x.of] AND e.k = x.k
       ), sized AS (
         SELECT n, rev, v, sum(octet_length(v)) OVER (ORDER BY n) > $5::bigint AND v IS NOT NULL AS beyond FROM found
       )
       SELECT x.n, NULL, h.seq::text, ${DUE_IN}::text FROM unnest($1::text[]) WITH ORDINALITY x(p, n)
         JOIN ${schema}.head h ON h.p = x.p
       UNION ALL
       SELECT n, rev, CASE WHEN NOT beyond THEN encode(v, 'base64') END, CASE WHEN beyond THEN '' END FROM sized`,
    ),
    list: statement(
      'list',
      `SELECT k, rev, encode(v, 'base64') FROM (
         SELECT k, rev, v, sum(octet_length(v)) OVER (ORDER BY k) - octet_length(v) AS before FROM (
           SELECT k, rev, v FROM ${schema}.entry WHERE p = $1 AND k >= $2 AND k < $3 AND k > $4 ORDER BY k LIMIT $5
         ) page
       ) sized WHERE before < $6 ORDER BY k`,
    ),
    due: statement(
      'due',
      `SELECT p, due FROM ${schema}.head WHERE due <= ${ONCE} AND (due, p) > ($1::bigint, $2::text)
       AND hash % $4::bigint = $3::bigint ORDER BY due, p LIMIT $5`,
    ),
    names: statement('names', `SELECT p FROM ${schema}.head WHERE p >= $1 AND p < $2 AND p > $3 ORDER BY p LIMIT $4`),
    cacheGet: statement(
      'cached',
      `SELECT encode(v, 'base64') FROM ${schema}.cache WHERE p = $1 AND k = $2 AND expires > ${NOW}`,
    ),
    cacheSet: statement(
      'cache',
      `INSERT INTO ${schema}.cache (p, k, expires, v) VALUES ($1, $2, ceil(${NOW} + $3::float8::numeric), $4)
       ON CONFLICT (p, k) DO UPDATE SET expires = excluded.expires, v = excluded.v`,
    ),
    cacheClear: statement('clear', `DELETE FROM ${schema}.cache WHERE p = $1`),
    cacheSweep: statement(
      'sweep',
      `DELETE FROM ${schema}.cache WHERE ctid = ANY (ARRAY (
         SELECT ctid FROM ${schema}.cache WHERE expires <= ${ONCE} ORDER BY expires LIMIT $1 FOR UPDATE SKIP LOCKED
       ))`,
    ),
    notify: statement('notify', 'SELECT pg_notify($1, $2)'),
  };
}

function few(schema: string, keys: number): string {
  const at = Array.from({ length: keys }, (_, i) => i);
  const columns = at.map(
    (i) => `, e${i}.rev, CASE WHEN e${i}.rev = $${2 * i + 3} THEN NULL ELSE encode(e${i}.v, 'base64') END`,
  );
  const joins = at.map((i) => ` LEFT JOIN ${schema}.entry e${i} ON e${i}.p = $1 AND e${i}.k = $${2 * i + 2}`);
  return `SELECT h.seq::text, ${DUE_IN}::text${columns.join('')} FROM (SELECT 1) one LEFT JOIN ${schema}.head h ON h.p = $1${joins.join('')}`;
}
