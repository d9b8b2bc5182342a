-- A function by `schema.name(types)`, or by its plain name: how to call it, its body, and as whom it runs.
select p.oid::pg_catalog.regproc::text as routine, p.prosrc, p.prosecdef,
  p.prorettype in ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype),
  array(select pg_catalog.format_type(u.type, null) from unnest(p.proargtypes::pg_catalog.oid[]) with ordinality as u(type, place) order by u.place)
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where n.nspname || '.' || p.proname = %(plain)s
order by n.nspname || '.' || p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')' = %(name)s desc
limit 1
