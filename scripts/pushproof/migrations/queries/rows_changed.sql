-- For each table the numbers of rows that this transaction has deleted and updated, its file, and a partition's root.
select
  n.nspname::text,
  c.relname::text,
  coalesce(pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid), 0) as deleted,
  coalesce(pg_catalog.pg_stat_get_xact_tuples_updated(c.oid), 0) as updated,
  pg_catalog.pg_relation_filenode(c.oid)::bigint as file,
  (
    select array[rn.nspname::text, r.relname::text]
    from pg_catalog.pg_class r
    join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
    where r.oid = pg_catalog.pg_partition_root(c.oid)
  ) as root
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r'
  and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'supabase_migrations')
  and n.nspname !~ '^pg_'
