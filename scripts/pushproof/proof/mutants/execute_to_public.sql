-- A function that everybody may call, without signing in too: what a new function is by default.
select
  format('function %%s', f.signature) as object,
  null as relation,
  f.signature as routine,
  'execute granted to public' || case when p.prorettype = 'pg_catalog.trigger'::regtype then ', though it is a trigger function' else '' end as change,
  format('grant execute on function %%s to public', p.oid::regprocedure) as break,
  format('revoke execute on function %%s from public', p.oid::regprocedure) as mend,
  case when p.prorettype = 'pg_catalog.trigger'::regtype
    then 'a trigger function is no endpoint of the API, and PostgreSQL calls it from triggers alone' end as equivalent
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
cross join lateral (select format('%%s.%%s(%%s)', n.nspname, p.proname, array_to_string(array(
  select format_type(u.type, null) from unnest(p.proargtypes::oid[]) with ordinality as u (type, place) order by u.place
), ', ')) as signature) f
where n.nspname = any (%(schemas)s) and p.prokind = 'f'
  and not exists (select from pg_catalog.pg_depend d where d.objid = p.oid and d.deptype = 'e')
  and not has_function_privilege('public', p.oid, 'execute')
