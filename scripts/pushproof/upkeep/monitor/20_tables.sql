-- Tables: size, dead rows, last vacuum
-- Updates and deletes leave dead rows; autovacuum removes them when there are a fifth as many as live ones.
select
  s.schemaname || '.' || s.relname as "table",
  s.n_live_tup as rows,
  pg_catalog.pg_size_pretty(pg_catalog.pg_table_size(s.relid)) as size,
  pg_catalog.pg_size_pretty(pg_catalog.pg_indexes_size(s.relid)) as indexes,
  s.n_dead_tup as dead,
  pg_catalog.to_char(greatest(s.last_vacuum, s.last_autovacuum), 'YYYY-MM-DD HH24:MI') as vacuumed,
  pg_catalog.to_char(greatest(s.last_analyze, s.last_autoanalyze), 'YYYY-MM-DD HH24:MI') as analyzed,
  case when s.n_dead_tup > 10000 and s.n_dead_tup > s.n_live_tup / 2 then 'vacuum it' end as note
from pg_catalog.pg_stat_user_tables s
where s.schemaname = any(%(schemas)s)
order by pg_catalog.pg_total_relation_size(s.relid) desc, 1
limit 50
