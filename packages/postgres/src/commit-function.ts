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
 * The function that judges and applies commits of different partitions, one by one, all in one transaction.
 *
 * - It locks a partition before it looks at anything: every statement then sees all that was committed under the same lock
 *   before. One statement that checks and writes would not do: it judges by a snapshot from before its wait, and many
 *   writers win. The lock is an advisory one, so there need be no row to lock, and locking writes nothing.
 * - A lone commit waits for its lock. One of many does not, and comes back as busy: so nobody waits for a lock while
 *   holding another, and there are no deadlocks.
 * - A snapshot is taken anew by each statement only under READ COMMITTED, hence the look at the isolation level.
 * - Numbers of appends come from the head and not from a sequence, which would have gaps.
 * - It goes through rows one by one, each by its primary key: a statement for one row that is looked up costs a few
 *   microseconds, one that unnests arrays and joins several times as much, whatever it finds.
 *
 * `_checks`, `_puts`, `_appends` and `_deletes` say how many of those a commit has; the arrays behind them have those of
 * all commits, one commit's behind the other's. It returns lists of numbers, from 1: the busy commits, the failed checks,
 * the commits whose `seqIs` failed; and the `seq` of each commit that appends, 0 for the others.
 *
 * @param schema as SQL has it
 */
export function commitFunction(schema: string, lockPrefix: string): string {
  return `CREATE FUNCTION ${schema}.commit(
    _p text[], _hash bigint[], _id text[], _seq_is bigint[], _due_mode int[], _due_in bigint[], _drop boolean[],
    _checks int[], _check_k text[], _check_rev text[],
    _puts int[], _put_k text[], _put_v bytea[],
    _appends int[], _append_v bytea[],
    _deletes int[], _delete_k text[]
  ) RETURNS TABLE (busy text, failed text, seq_failed text, seqs text) LANGUAGE plpgsql
  AS $commit$
  DECLARE
    locked_out int[]; bad_checks int[]; bad_seqs int[];
    numbers bigint[] := array_fill(0, ARRAY[cardinality(_p)]);
    checked int := 0; put int := 0; appended int := 0; deleted int := 0;
    lock_name bigint; is_held boolean; found_rev text; head_seq bigint; now_ms bigint; survivor text;
  BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'commits need the isolation level read committed: set default_transaction_isolation so'
        USING ERRCODE = 'MT002';
    END IF;
    -- The store's own connections are set up so. Others are for this transaction, which is when the plans are made.
    IF current_setting('plan_cache_mode') <> 'force_generic_plan' THEN
      PERFORM ${PLANNER.map(([name, value]) => `set_config('${name}', '${value}', true)`).join(', ')};
    END IF;
    FOR i IN 1 .. cardinality(_p) LOOP
      checked := checked + _checks[i];
      put := put + _puts[i];
      appended := appended + _appends[i];
      deleted := deleted + _deletes[i];

      lock_name := hashtextextended('${lockPrefix}' || _p[i], 0);
      IF cardinality(_p) = 1 THEN
        PERFORM pg_advisory_xact_lock(lock_name);
      ELSIF NOT pg_try_advisory_xact_lock(lock_name) THEN
        locked_out := locked_out || i;
        CONTINUE;
      END IF;

      is_held := true;
      FOR n IN checked - _checks[i] + 1 .. checked LOOP
        SELECT e.rev INTO found_rev FROM ${schema}.entry e WHERE e.p = _p[i] AND e.k = _check_k[n];
        IF found_rev IS DISTINCT FROM _check_rev[n] THEN
          bad_checks := bad_checks || n;
          is_held := false;
        END IF;
      END LOOP;
      IF _seq_is[i] IS NOT NULL THEN
        SELECT h.seq INTO head_seq FROM ${schema}.head h WHERE h.p = _p[i];
        IF coalesce(head_seq, 0) <> _seq_is[i] THEN
          bad_seqs := bad_seqs || i;
          is_held := false;
        END IF;
      END IF;
      CONTINUE WHEN NOT is_held;

      FOR n IN put - _puts[i] + 1 .. put LOOP
        INSERT INTO ${schema}.entry AS e VALUES (_p[i], _put_k[n], _id[i], _put_v[n])
          ON CONFLICT (p, k) DO UPDATE SET rev = excluded.rev, v = excluded.v;
      END LOOP;
      IF _appends[i] > 0 OR _due_mode[i] > 0 THEN
        now_ms := coalesce(now_ms, ceil(${NOW})::bigint);
        UPDATE ${schema}.head h SET seq = h.seq + _appends[i],
          due = CASE _due_mode[i] WHEN 1 THEN now_ms + _due_in[i] WHEN 2 THEN coalesce(h.due, now_ms + _due_in[i]) ELSE h.due END
          WHERE h.p = _p[i] RETURNING h.seq INTO head_seq;
        -- Most partitions have their head.
        IF NOT FOUND THEN
          INSERT INTO ${schema}.head VALUES (_p[i], _appends[i], now_ms + _due_in[i], _hash[i]);
          head_seq := _appends[i];
        END IF;
        IF _appends[i] > 0 THEN numbers[i] := head_seq; END IF;
      END IF;
      FOR n IN 1 .. _appends[i] LOOP
        INSERT INTO ${schema}.entry VALUES (
          _p[i], 'q/' || lpad((head_seq - _appends[i] + n)::text, 16, '0'), _id[i], _append_v[appended - _appends[i] + n]
        );
      END LOOP;
      FOR n IN deleted - _deletes[i] + 1 .. deleted LOOP
        DELETE FROM ${schema}.entry e WHERE e.p = _p[i] AND e.k = _delete_k[n];
      END LOOP;
      IF _drop[i] THEN
        SELECT e.k INTO survivor FROM ${schema}.entry e WHERE e.p = _p[i] ORDER BY e.k LIMIT 1;
        IF survivor IS NOT NULL THEN
          RAISE EXCEPTION 'drop of % would leave %: delete every entry in that commit', _p[i], survivor
            USING ERRCODE = 'MT001';
        END IF;
        DELETE FROM ${schema}.head h WHERE h.p = _p[i];
      END IF;
    END LOOP;
    busy := array_to_string(locked_out, ',');
    failed := array_to_string(bad_checks[1:1000], ',');
    seq_failed := array_to_string(bad_seqs, ',');
    seqs := array_to_string(numbers, ',');
    RETURN NEXT;
  END
  $commit$;`;
}
