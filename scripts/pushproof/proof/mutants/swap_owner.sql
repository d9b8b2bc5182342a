-- A comparison with auth.uid() turned round: everybody reaches exactly what is not theirs.
select
  format('policy %%s on %%s.%%s', p.policyname, p.schemaname, p.tablename) as object,
  p.schemaname || '.' || p.tablename as relation,
  null as routine,
  format('%%s: the owner was swapped in %%s', lower(p.cmd), c.clause) as change,
  format('alter policy %%I on %%I.%%I %%s (%%s)', p.policyname, p.schemaname, p.tablename, c.clause, s.swapped) as break,
  format('alter policy %%I on %%I.%%I %%s (%%s)', p.policyname, p.schemaname, p.tablename, c.clause, c.expression) as mend,
  null as equivalent
from pg_catalog.pg_policies p
cross join lateral (values ('using', p.qual), ('with check', p.with_check)) as c (clause, expression)
cross join lateral (select regexp_replace(
  regexp_replace(c.expression, ' = (\( SELECT auth\.uid\(\) AS uid\)|auth\.uid\(\))', ' <> \1', 'g'),
  '(\( SELECT auth\.uid\(\) AS uid\)|auth\.uid\(\)) = ', '\1 <> ', 'g') as swapped) s
where p.schemaname = any (%(schemas)s) and s.swapped <> c.expression
