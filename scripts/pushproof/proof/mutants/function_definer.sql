-- A function that runs as its owner: policies no longer bind what it does.
select
  format('function %%s', f.signature) as object,
  null as relation,
  f.signature as routine,
  'security definer instead of invoker' as change,
  format('alter function %%s security definer', p.oid::regprocedure) as break,
  format('alter function %%s security invoker', p.oid::regprocedure) as mend,
  null as equivalent
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
cross join lateral (select format('%%s.%%s(%%s)', n.nspname, p.proname, array_to_string(array(
  select format_type(u.type, null) from unnest(p.proargtypes::oid[]) with ordinality as u (type, place) order by u.place
), ', ')) as signature) f
where n.nspname = any (%(schemas)s) and p.prokind = 'f'
  and not exists (select from pg_catalog.pg_depend d where d.objid = p.oid and d.deptype = 'e')
  and not p.prosecdef
