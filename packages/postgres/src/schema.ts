import { commitFunction } from './commit-function.js';
import { checkNamespace } from './options.js';

/** Raised with every change of the tables or of the function. */
export const SCHEMA_VERSION = 1;

/** The name of a namespace's schema as SQL has it. */
export function schemaOf(namespace: string): string {
  return `"${namespace}"`;
}

/** What a commit's lock on a partition is called, up to the partition's name. */
export function lockPrefix(namespace: string): string {
  return `${namespace}/`;
}

/**
 * The SQL that makes the schema of a namespace: one statement, which does nothing if the schema is there already. The
 * store runs it by itself, unless it is told not to (`createSchema: false`); then whoever owns the database runs it.
 *
 * - `head`: a row for each partition that ever had appends or a due. `hash` is what its shard is told from.
 * - `entry`: a row for each entry. Values are stored as they are: to compress them takes longer than to write them.
 * - `cache`: not logged, as it may be lost; a crash of the server empties it.
 * - `meta`: the version of all this.
 *
 * Rows leave room on their page, so that a new version of a row needs no new entry in the indexes.
 *
 * @param namespace as given to the store; `motion` by default
 * @throws StoreError `invalid` for a bad namespace
 * @example
 * await client.query(schemaSql());
 */
export function schemaSql(namespace = 'motion'): string {
  const schema = schemaOf(checkNamespace(namespace));
  return `DO $motion$
BEGIN
  IF current_setting('server_version_num')::int < 130000 THEN
    RAISE EXCEPTION 'PostgreSQL 13 or newer is needed, and this is %', current_setting('server_version')
      USING ERRCODE = 'MT003';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('motion-ts schema ${namespace}', 0));
  IF to_regclass('${schema}.meta') IS NOT NULL THEN
    RETURN;
  END IF;
  IF to_regnamespace('${schema}') IS NULL THEN
    CREATE SCHEMA ${schema};
  END IF;
  CREATE TABLE ${schema}.head (
    p text COLLATE "C" PRIMARY KEY, seq bigint NOT NULL, due bigint, hash bigint NOT NULL
  ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
  CREATE INDEX head_due ON ${schema}.head (due, p) WHERE due IS NOT NULL;
  CREATE TABLE ${schema}.entry (
    p text COLLATE "C", k text COLLATE "C", rev text COLLATE "C" NOT NULL, v bytea NOT NULL, PRIMARY KEY (p, k)
  ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
  ALTER TABLE ${schema}.entry ALTER v SET STORAGE EXTERNAL;
  CREATE UNLOGGED TABLE ${schema}.cache (
    p text COLLATE "C", k text COLLATE "C", expires bigint NOT NULL, v bytea NOT NULL, PRIMARY KEY (p, k)
  );
  ALTER TABLE ${schema}.cache ALTER v SET STORAGE EXTERNAL;
  CREATE INDEX cache_expires ON ${schema}.cache (expires);
  ${commitFunction(schema, lockPrefix(namespace))}
  CREATE TABLE ${schema}.meta (version int NOT NULL);
  INSERT INTO ${schema}.meta VALUES (${SCHEMA_VERSION});
END
$motion$`;
}
