-- Planned and estimated counts include all users' rows: the planner's statistics ignore policies (pitfall 33).
select n.nspname || '.' || c.relname as object, 'about ' || c.reltuples::bigint || ' rows, with row level security' as detail
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p') and c.relrowsecurity and c.reltuples > 100
  and pg_catalog.has_any_column_privilege('authenticated', c.oid, 'select')
order by 1
