-- Cache: what was read from memory
-- In a busy project 99 %% and more; if it is far below, the data in use no longer fits into memory.
select
  'tables' as what,
  sum(heap_blks_hit) as hits,
  sum(heap_blks_read) as reads,
  round(100 * sum(heap_blks_hit) / nullif(sum(heap_blks_hit) + sum(heap_blks_read), 0), 2) as percent
from pg_catalog.pg_statio_user_tables where schemaname = any(%(schemas)s)
union all
select
  'indexes', sum(idx_blks_hit), sum(idx_blks_read),
  round(100 * sum(idx_blks_hit) / nullif(sum(idx_blks_hit) + sum(idx_blks_read), 0), 2)
from pg_catalog.pg_statio_user_tables where schemaname = any(%(schemas)s)
