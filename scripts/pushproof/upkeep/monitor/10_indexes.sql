-- Indexes, and how often each was used
-- Since the statistics were last reset. An unused index slows down every write. Unique indexes, and those of tables
-- with fewer than 1000 index scans, are not called unused.
select
  s.schemaname || '.' || s.relname as "table",
  s.indexrelname as index,
  s.idx_scan as scans,
  pg_catalog.pg_size_pretty(pg_catalog.pg_relation_size(s.indexrelid)) as size,
  case
    when not i.indisvalid then 'invalid: drop it, and build it again'
    when s.idx_scan = 0 and not i.indisunique and sum(s.idx_scan) over (partition by s.relid) >= 1000 then 'unused'
  end as note
from pg_catalog.pg_stat_user_indexes s
join pg_catalog.pg_index i on i.indexrelid = s.indexrelid
where s.schemaname = any(%(schemas)s)
order by s.idx_scan, pg_catalog.pg_relation_size(s.indexrelid) desc, 1, 2
limit 50
