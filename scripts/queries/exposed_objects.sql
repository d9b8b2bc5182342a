-- The paths that PostgREST should answer for one schema, asked as service_role.
select '/' || c.relname
from pg_catalog.pg_class c
where c.relnamespace = %(schema)s::pg_catalog.regnamespace
  and c.relkind in ('r', 'p', 'v', 'm', 'f')
  and not c.relispartition
  and pg_catalog.has_table_privilege('service_role', c.oid, 'select')
union all
select distinct '/rpc/' || p.proname
from pg_catalog.pg_proc p
where p.pronamespace = %(schema)s::pg_catalog.regnamespace
  and p.prokind = 'f'
  and p.prorettype not in ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
  and pg_catalog.has_function_privilege('service_role', p.oid, 'execute')
