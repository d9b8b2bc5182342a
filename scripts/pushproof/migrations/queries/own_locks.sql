-- The locks that this session holds on relations of the project and that block others.
select pg_catalog.format('%s.%s', n.nspname, c.relname), l.mode
from pg_catalog.pg_locks l
join pg_catalog.pg_class c on c.oid = l.relation
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where l.pid = pg_catalog.pg_backend_pid() and l.granted
  and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  and c.relkind in ('r', 'p', 'm', 'v')
  and n.nspname not in ('pg_catalog', 'pg_toast')
