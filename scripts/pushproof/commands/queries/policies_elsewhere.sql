-- The number of policies on each table that has an API other than REST.
select p.schemaname || '.' || p.tablename, count(*)::int
from pg_catalog.pg_policies p
where p.schemaname in ('storage', 'realtime')
group by 1
order by 1
