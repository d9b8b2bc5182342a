-- A policy with an OR: the planner may have to read the whole table (pitfall 20).
select distinct p.schemaname || '.' || p.tablename as object, 'policy ' || p.policyname || ' has an OR' as detail
from pg_catalog.pg_policies p
where p.schemaname = any (%(schemas)s) and p.qual ~ '\mOR\M'
order by 1, 2
