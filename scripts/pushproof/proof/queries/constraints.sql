-- Keys, foreign keys and checks of the given relations; also the checks of the domains of their columns, and of the
-- domains to which their checks cast.
select
  c.conrelid::bigint as relation,
  c.conname as name,
  c.contype::text as type,
  c.conkey::int[] as columns,
  c.confrelid::bigint as target,
  c.confkey::int[] as target_columns,
  pg_catalog.pg_get_constraintdef(c.oid) as definition
from pg_catalog.pg_constraint c
where c.conrelid = any (%(relations)s::pg_catalog.oid[]) and c.contype in ('p', 'u', 'f', 'c') and c.conparentid = 0
union all
select a.attrelid::bigint, c.conname, 'c', array[a.attnum]::int[], 0, null, pg_catalog.pg_get_constraintdef(c.oid)
from pg_catalog.pg_attribute a
join pg_catalog.pg_constraint c on c.contypid = a.atttypid
where a.attrelid = any (%(relations)s::pg_catalog.oid[]) and a.attnum > 0 and not a.attisdropped and c.contypid <> 0
union all
select c.conrelid::bigint, i.conname, 'c', c.conkey::int[], 0, null, pg_catalog.pg_get_constraintdef(i.oid)
from pg_catalog.pg_constraint c
join pg_catalog.pg_depend d
  on d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
  and d.objid = c.oid
  and d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
join pg_catalog.pg_constraint i on i.contypid = d.refobjid
where c.conrelid = any (%(relations)s::pg_catalog.oid[]) and c.contype = 'c' and c.conparentid = 0
order by 1, 3, 2
