-- The comparison with auth.uid() taken out of a function's body: it serves anybody.
select
  format('function %%s', f.signature) as object,
  null as relation,
  f.signature as routine,
  'its comparison with auth.uid() was removed' as change,
  regexp_replace(
    regexp_replace(pg_get_functiondef(p.oid), '[\w."]+\s*(<>|!=|is distinct from)\s*(\(\s*select\s+auth\.uid\(\)\s*\)|auth\.uid\(\))', 'false', 'gi'),
    '[\w."]+\s*=\s*(\(\s*select\s+auth\.uid\(\)\s*\)|auth\.uid\(\))', 'true', 'gi') as break,
  pg_get_functiondef(p.oid) as mend,
  null as equivalent
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
cross join lateral (select format('%%s.%%s(%%s)', n.nspname, p.proname, array_to_string(array(
  select format_type(u.type, null) from unnest(p.proargtypes::oid[]) with ordinality as u (type, place) order by u.place
), ', ')) as signature) f
where n.nspname = any (%(schemas)s) and p.prokind = 'f'
  and not exists (select from pg_catalog.pg_depend d where d.objid = p.oid and d.deptype = 'e')
  and pg_get_functiondef(p.oid) ~* '[\w."]+\s*(=|<>|!=|is distinct from)\s*(\(\s*select\s+auth\.uid\(\)\s*\)|auth\.uid\(\))'
