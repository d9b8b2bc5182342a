-- A partitioned table without row level security: linters that check only plain tables miss it (pitfall 36).
select n.nspname || '.' || c.relname as object, 'partitioned, row level security is off' as detail
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = any (%(schemas)s) and c.relkind = 'p' and not c.relrowsecurity
  and (pg_catalog.has_any_column_privilege('anon', c.oid, 'select,insert,update')
    or pg_catalog.has_any_column_privilege('authenticated', c.oid, 'select,insert,update'))
order by 1
