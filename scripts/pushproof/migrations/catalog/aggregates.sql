-- Aggregates.
select f.kind, f.object, x.property, x.value
from own_function f
join pg_catalog.pg_proc p on p.oid = f.oid
join pg_catalog.pg_aggregate a on a.aggfnoid = f.oid
cross join lateral (values
  ('arguments', pg_catalog.pg_get_function_arguments(f.oid)),
  ('returns', pg_catalog.pg_get_function_result(f.oid)),
  ('transition', a.aggtransfn::pg_catalog.regprocedure || ' on ' || a.aggtranstype::pg_catalog.regtype),
  ('initial', a.agginitval),
  ('final', nullif(a.aggfinalfn, 0)::pg_catalog.regprocedure::text),
  ('combine', nullif(a.aggcombinefn, 0)::pg_catalog.regprocedure::text),
  ('parallel', case p.proparallel when 's' then 'safe' when 'r' then 'restricted' end)
) as x (property, value)
where x.value is not null
