-- The functions of the exposed schemas without trigger functions, aggregates and functions of extensions.
select
  p.oid::bigint as oid,
  n.nspname as schema,
  p.proname as name,
  array(
    select pg_catalog.format_type(u.type, null) from unnest(p.proargtypes::pg_catalog.oid[]) with ordinality as u(type, place)
    order by u.place
  ) as types,
  array(
    select coalesce((
      select m.name
      from unnest(p.proargnames, coalesce(p.proargmodes, array_fill('i'::"char", array[coalesce(cardinality(p.proargnames), 0)])))
        with ordinality as m(name, mode, place)
      where m.mode in ('i', 'b', 'v') order by m.place offset u.place - 1 limit 1
    ), '')
    from unnest(p.proargtypes::pg_catalog.oid[]) with ordinality as u(type, place) order by u.place
  ) as names,
  array(
    select coalesce((
      select pg_catalog.json_agg(e.enumlabel order by e.enumsortorder) from pg_catalog.pg_enum e where e.enumtypid = u.type
    ), '[]')::text
    from unnest(p.proargtypes::pg_catalog.oid[]) with ordinality as u(type, place) order by u.place
  ) as labels,
  p.pronargdefaults::int as defaults,
  pg_catalog.pg_get_function_result(p.oid) as result,
  p.provolatile::text as volatility,
  p.prosecdef as definer,
  array(
    select r.rolname::text from pg_catalog.pg_roles r
    where r.rolname in ('anon', 'authenticated', 'service_role') and pg_catalog.has_function_privilege(r.oid, p.oid, 'execute')
  ) as callers
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where n.nspname = any (%(schemas)s)
  and p.prokind = 'f'
  and p.prorettype not in ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
  and not exists (
    select from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e'
  )
order by 2, 3, 4
