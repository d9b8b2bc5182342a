-- The functions of an extension that take no argument and only read.
select p.proname
from pg_catalog.pg_extension e
join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.refobjid = e.oid
join pg_catalog.pg_proc p on d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and p.oid = d.objid
where e.extname = %(extension)s and p.pronargs = 0 and p.provolatile <> 'v' and p.prokind = 'f'
order by 1
