/** Now by the server's clock, in milliseconds. */
export const NOW = 'extract(epoch FROM clock_timestamp()) * 1000';

/**
 * How statements are planned: once, and for tables of any size. A plan that was made while a table was empty would read
 * all of it for a while after it has grown.
 */
export const PLANNER: readonly (readonly [name: string, value: string])[] = [
  ['plan_cache_mode', 'force_generic_plan'],
  ['enable_seqscan', 'off'],
  ['enable_hashjoin', 'off'],
  ['enable_mergejoin', 'off'],
  ['enable_bitmapscan', 'off'],
  ['jit', 'off'],
];

/**
 * The function that judges and applies commits of different partitions, all in one transaction.
 *
 * - It locks each partition before it looks at anything: every statement then sees all that was committed under the same
 *   lock before. One statement that checks and writes would not do: it judges by a snapshot from before its wait, and
 *   many writers win. The lock is an advisory one, so there need be no row to lock, and locking writes nothing.
 * - A lone commit waits for its lock. One of many does not, and comes back as busy: so nobody waits for a lock while
 *   holding another, and there are no deadlocks.
 * - A snapshot is taken anew by each statement only under READ COMMITTED, hence the look at the isolation level.
 * - Numbers of appends come from the head and not from a sequence, which would have gaps.
 * - Arrays named `..._of` say which commit, from 1, the elements of those beside them belong to; an absent kind is NULL.
 * - Arrays are unnested in the SELECT list, row by row: in FROM, each would be written to memory first.
 * - Rows are looked up by `e.p = _p[x.of]`: with `e.p = _p` for one partition, the planner may read a whole partition.
 *
 * It returns lists of numbers: the busy commits, the failed checks, the commits whose `seqIs` failed, and the commits
 * that touched their head, with the `seq` of each.
 *
 * @param schema as SQL has it
 */
export function commitFunction(schema: string, lockPrefix: string): string {
  const touching = `SELECT unnest(_p) AS p, unnest(_appends) AS n, unnest(_due_mode) AS mode, unnest(_due_in) AS due,
        unnest(_hash) AS hash, generate_subscripts(_p, 1) AS of`;
  const going = '(stop IS NULL OR x.of <> ALL (stop))';
  return `CREATE FUNCTION ${schema}.commit(
    _p text[], _hash bigint[], _id text[], _seq_is bigint[], _appends int[], _due_mode int[], _due_in bigint[],
    _check_of int[], _check_k text[], _check_rev text[],
    _put_of int[], _put_k text[], _put_v bytea[],
    _append_of int[], _append_n int[], _append_v bytea[],
    _delete_of int[], _delete_k text[],
    _drop_of int[]
  ) RETURNS TABLE (busy text, failed text, seq_failed text, touched text, seqs text) LANGUAGE plpgsql
  AS $commit$
  DECLARE
    locked_out int[]; stop int[]; checks int[]; heads int[]; numbers bigint[]; fresh int[]; fresh_numbers bigint[];
    now_ms bigint; one int; survivor text;
  BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'commits need the isolation level read committed: set default_transaction_isolation so'
        USING ERRCODE = 'MT002';
    END IF;
    -- The store's own connections are set up so. Others are for this transaction, which is when the plans are made.
    IF current_setting('plan_cache_mode') <> 'force_generic_plan' THEN
      PERFORM ${PLANNER.map(([name, value]) => `set_config('${name}', '${value}', true)`).join(', ')};
    END IF;
    IF cardinality(_p) = 1 THEN
      PERFORM pg_advisory_xact_lock(hashtextextended('${lockPrefix}' || _p[1], 0));
    ELSE
      SELECT array_agg(x.of) INTO locked_out FROM unnest(_p) WITH ORDINALITY x(p, of)
        WHERE NOT pg_try_advisory_xact_lock(hashtextextended('${lockPrefix}' || x.p, 0));
      stop := locked_out;
    END IF;

    IF _check_of IS NOT NULL THEN
      SELECT array_agg(x.n), stop || array_agg(x.of) INTO checks, stop
        FROM (
          SELECT unnest(_check_of) AS of, unnest(_check_k) AS k, unnest(_check_rev) AS rev,
            generate_subscripts(_check_of, 1) AS n
        ) x
        LEFT JOIN ${schema}.entry e ON e.p = _p[x.of] AND e.k = x.k WHERE e.rev IS DISTINCT FROM x.rev;
    END IF;
    IF _seq_is IS NOT NULL THEN
      SELECT array_agg(x.of) INTO heads FROM (SELECT unnest(_p) AS p, unnest(_seq_is) AS seq, generate_subscripts(_p, 1) AS of) x
        LEFT JOIN ${schema}.head h ON h.p = x.p WHERE x.seq <> coalesce(h.seq, 0);
      seq_failed := array_to_string(heads, ',');
      stop := stop || heads;
    END IF;
    busy := array_to_string(locked_out, ',');
    failed := array_to_string(checks[1:1000], ',');
    IF stop IS NOT NULL AND cardinality(_p) = 1 THEN
      RETURN NEXT;
      RETURN;
    END IF;

    IF _put_of IS NOT NULL THEN
      INSERT INTO ${schema}.entry AS e
        SELECT _p[x.of], x.k, _id[x.of], x.v
        FROM (SELECT unnest(_put_of) AS of, unnest(_put_k) AS k, unnest(_put_v) AS v) x WHERE ${going}
        ON CONFLICT (p, k) DO UPDATE SET rev = excluded.rev, v = excluded.v;
    END IF;
    IF _appends IS NOT NULL THEN
      now_ms := ceil(${NOW})::bigint;
      WITH updated AS (
        UPDATE ${schema}.head h SET seq = h.seq + x.n,
          due = CASE x.mode WHEN 1 THEN now_ms + x.due WHEN 2 THEN coalesce(h.due, now_ms + x.due) ELSE h.due END
          FROM (${touching}) x
          WHERE h.p = x.p AND (x.n > 0 OR x.mode > 0) AND ${going}
          RETURNING x.of, h.seq
      ) SELECT array_agg(u.of), array_agg(u.seq) INTO heads, numbers FROM updated u;
      -- Most partitions have their head.
      IF coalesce(cardinality(heads), 0) < cardinality(_p) THEN
        WITH inserted AS (
          INSERT INTO ${schema}.head
            SELECT x.p, x.n, now_ms + x.due, x.hash FROM (${touching}) x
            WHERE (x.n > 0 OR x.mode > 0) AND ${going} AND (heads IS NULL OR x.of <> ALL (heads))
            RETURNING p, seq
        ) SELECT array_agg(array_position(_p, i.p)), array_agg(i.seq) INTO fresh, fresh_numbers FROM inserted i;
        heads := heads || fresh;
        numbers := numbers || fresh_numbers;
      END IF;
      touched := array_to_string(heads, ',');
      seqs := array_to_string(numbers, ',');
    END IF;
    IF _append_of IS NOT NULL THEN
      INSERT INTO ${schema}.entry
        SELECT _p[x.of],
          'q/' || lpad((numbers[array_position(heads, x.of)] - _appends[x.of] + x.n)::text, 16, '0'), _id[x.of], x.v
        FROM (SELECT unnest(_append_of) AS of, unnest(_append_n) AS n, unnest(_append_v) AS v) x WHERE ${going};
    END IF;
    IF _delete_of IS NOT NULL THEN
      DELETE FROM ${schema}.entry e USING (SELECT unnest(_delete_of) AS of, unnest(_delete_k) AS k) x
        WHERE e.p = _p[x.of] AND e.k = x.k AND ${going};
    END IF;
    FOREACH one IN ARRAY coalesce(_drop_of, '{}') LOOP
      CONTINUE WHEN one = ANY (stop);
      SELECT e.k INTO survivor FROM ${schema}.entry e WHERE e.p = _p[one] ORDER BY e.k LIMIT 1;
      IF survivor IS NOT NULL THEN
        RAISE EXCEPTION 'drop of % would leave %: delete every entry in that commit', _p[one], survivor
          USING ERRCODE = 'MT001';
      END IF;
      DELETE FROM ${schema}.head h WHERE h.p = _p[one];
    END LOOP;
    RETURN NEXT;
  END
  $commit$;`;
}
