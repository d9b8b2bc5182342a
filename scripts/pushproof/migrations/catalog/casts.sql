-- Casts from or to a type of the project, or with one of its functions.
select 'cast', c.castsource::pg_catalog.regtype || ' as ' || c.casttarget::pg_catalog.regtype, p.property, p.value
from pg_catalog.pg_cast c
cross join lateral (values
  ('method', case c.castmethod when 'f' then c.castfunc::pg_catalog.regprocedure::text when 'i' then 'inout'
    else 'without function' end),
  ('context', case c.castcontext when 'i' then 'implicit' when 'a' then 'assignment' else 'explicit' end),
  ('comment', pg_catalog.obj_description(c.oid, 'pg_cast'))
) as p (property, value)
where p.value is not null
  and (
    c.castfunc in (select oid from own_function)
    or c.castsource in (select oid from own_type)
    or c.casttarget in (select oid from own_type)
  )
  -- The cast from a range to its multirange is part of the type.
  and not exists (
    select from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass and d.objid = c.oid and d.deptype in ('i', 'e')
  )
