-- Operators.
select 'operator', o.oid::pg_catalog.regoperator::text, p.property, p.value
from pg_catalog.pg_operator o
join own_schema s on s.oid = o.oprnamespace
cross join lateral (values
  ('of', 'schema ' || s.object),
  ('owner', pg_catalog.pg_get_userbyid(o.oprowner)::text),
  ('function', o.oprcode::pg_catalog.oid::pg_catalog.regprocedure::text),
  ('commutator', nullif(o.oprcom, 0)::pg_catalog.regoperator::text),
  ('negator', nullif(o.oprnegate, 0)::pg_catalog.regoperator::text),
  ('estimators', nullif(concat_ws(', ', nullif(o.oprrest::pg_catalog.oid, 0)::pg_catalog.regproc,
    nullif(o.oprjoin::pg_catalog.oid, 0)::pg_catalog.regproc), '')),
  ('joins', nullif(concat_ws(', ',
    case when o.oprcanhash then 'hashes' end, case when o.oprcanmerge then 'merges' end), '')),
  ('comment', pg_catalog.obj_description(o.oid, 'pg_operator'))
) as p (property, value)
where p.value is not null
  and not exists (
    select from member m where m.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass and m.objid = o.oid
  )
