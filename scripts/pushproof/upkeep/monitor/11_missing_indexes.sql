-- Missing indexes
-- Foreign keys without an index that begins with one of their columns: deleting a row that they refer to reads the
-- whole table. Also tables that are often read sequentially and are large.
select
  n.nspname || '.' || c.relname as "table",
  k.conname as what,
  'no index leads with ' || (
    select string_agg(a.attname, ', ' order by o.place)
    from unnest(k.conkey) with ordinality as o (attnum, place)
    join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = o.attnum
  ) as note
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where k.contype = 'f' and n.nspname = any(%(schemas)s)
  and not exists (
    select from pg_catalog.pg_index i
    where i.indrelid = k.conrelid and i.indisvalid and i.indpred is null
      and i.indkey[0] = any(k.conkey)
  )
union all
select
  s.schemaname || '.' || s.relname,
  'sequential scans',
  pg_catalog.format('%%s scans read %%s rows each', s.seq_scan, s.seq_tup_read / s.seq_scan)
from pg_catalog.pg_stat_user_tables s
where s.schemaname = any(%(schemas)s) and s.seq_scan > 100 and s.seq_tup_read / s.seq_scan > 10000
order by 1, 2
