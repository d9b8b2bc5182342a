-- The policies of the exposed schemas.
select p.schemaname || '.' || p.tablename as relation, p.policyname as name, lower(p.cmd) as command,
  p.permissive = 'PERMISSIVE' as permissive, p.roles::text[] as roles, p.qual, p.with_check as "check"
from pg_catalog.pg_policies p
where p.schemaname = any (%(schemas)s)
order by 1, 2
