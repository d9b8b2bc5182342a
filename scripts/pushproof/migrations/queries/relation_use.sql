-- The size and use of the named relations; an index stands for its table. The counters of a plain table count since the
-- statistics were last reset. Sessions are the others that use it now.
select
  wanted.name,
  coalesce(
    (
      select sum(greatest(l.reltuples::bigint, t.n_live_tup, 0))
      from pg_catalog.pg_partition_tree(c.oid) p
      join pg_catalog.pg_class l on l.oid = p.relid
      left join pg_catalog.pg_stat_all_tables t on t.relid = p.relid
      where p.isleaf
    ),
    greatest(c.reltuples::bigint, s.n_live_tup, 0)
  )::bigint as rows,
  coalesce(
    (select sum(pg_catalog.pg_total_relation_size(p.relid)) from pg_catalog.pg_partition_tree(c.oid) p),
    pg_catalog.pg_total_relation_size(c.oid)
  )::bigint as bytes,
  coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0) as reads,
  coalesce(s.n_tup_ins + s.n_tup_upd + s.n_tup_del, 0) as writes,
  -- PostgreSQL 16 and later have these two columns.
  extract(epoch from now() - greatest(
    (to_jsonb(s) ->> 'last_seq_scan')::timestamptz, (to_jsonb(s) ->> 'last_idx_scan')::timestamptz
  ))::bigint as seconds_since_read,
  (
    select count(distinct l.pid) from pg_catalog.pg_locks l
    where l.relation = c.oid and l.pid <> pg_catalog.pg_backend_pid()
      and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
  ) as sessions
from unnest(%(names)s::text[]) as wanted (name)
join pg_catalog.pg_class named on named.oid = pg_catalog.to_regclass(wanted.name)
left join pg_catalog.pg_index i on i.indexrelid = named.oid
join pg_catalog.pg_class c on c.oid = coalesce(i.indrelid, named.oid)
left join pg_catalog.pg_stat_all_tables s on s.relid = c.oid
where c.relkind in ('r', 'p', 'm')
