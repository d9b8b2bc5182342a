-- The paths of one schema that PostgREST should answer for service_role. It needs the names of a function's arguments.
select '/' || c.relname
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s
  and c.relkind in ('r', 'p', 'v', 'm', 'f')
  and not c.relispartition
  and pg_catalog.has_table_privilege('service_role', c.oid, 'select')
union all
select distinct '/rpc/' || p.proname
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where n.nspname = %(schema)s
  and p.prokind = 'f'
  and p.prorettype not in ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
  and pg_catalog.has_function_privilege('service_role', p.oid, 'execute')
  and (p.pronargs = 0 or '' <> all (p.proargnames))
