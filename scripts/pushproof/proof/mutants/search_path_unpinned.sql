-- A function that follows its caller's search_path: a definer's body can be made to call an attacker's object.
select
  format('function %%s', f.signature) as object,
  null as relation,
  f.signature as routine,
  'its search_path is no longer pinned' as change,
  format('alter function %%s reset search_path', p.oid::regprocedure) as break,
  pg_get_functiondef(p.oid) as mend,
  case when not p.prosecdef then 'it runs with its caller''s rights, so a shadowed name gains the caller nothing' end as equivalent
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
cross join lateral (select format('%%s.%%s(%%s)', n.nspname, p.proname, array_to_string(array(
  select format_type(u.type, null) from unnest(p.proargtypes::oid[]) with ordinality as u (type, place) order by u.place
), ', ')) as signature) f
where n.nspname = any (%(schemas)s) and p.prokind = 'f'
  and not exists (select from pg_catalog.pg_depend d where d.objid = p.oid and d.deptype = 'e')
  and exists (select from unnest(p.proconfig) as setting where setting like 'search\_path=%%')
