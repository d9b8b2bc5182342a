-- Functions and procedures.
select f.kind, f.object, x.property, x.value
from own_function f
join pg_catalog.pg_proc p on p.oid = f.oid
join pg_catalog.pg_language l on l.oid = p.prolang
cross join lateral (values
  ('arguments', pg_catalog.pg_get_function_arguments(f.oid)),
  ('returns', pg_catalog.pg_get_function_result(f.oid)),
  ('language', l.lanname::text),
  ('volatility', case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end),
  ('security', case when p.prosecdef then 'definer' else 'invoker' end),
  ('settings', (select string_agg(s, ', ' order by s) from unnest(p.proconfig) as s)),
  ('strict', case when p.proisstrict then 'yes' end),
  ('leakproof', case when p.proleakproof then 'yes' end),
  ('window', case when p.prokind = 'w' then 'yes' end),
  ('parallel', case p.proparallel when 's' then 'safe' when 'r' then 'restricted' end),
  ('cost', p.procost::text),
  ('rows', nullif(p.prorows, 0)::text),
  ('support', nullif(p.prosupport, 0)::pg_catalog.regprocedure::text),
  ('body', coalesce(pg_catalog.pg_get_function_sqlbody(f.oid), p.prosrc))
) as x (property, value)
where f.kind <> 'aggregate' and x.value is not null
