-- A comparison with auth.uid() is negated: users reach exactly the rows that are not theirs.
select
  p.object, p.relation, p.routine,
  format('%%s: the owner was swapped in %%s', lower(p.cmd), p.clause) as change,
  format('alter policy %%s %%s (%%s)', p.named, p.clause, s.swapped) as break,
  format('alter policy %%s %%s (%%s)', p.named, p.clause, p.expression) as mend,
  null as equivalent
from clauses p
cross join lateral (select regexp_replace(
  regexp_replace(p.expression, ' = (\( SELECT auth\.uid\(\) AS uid\)|auth\.uid\(\))', ' <> \1', 'g'),
  '(\( SELECT auth\.uid\(\) AS uid\)|auth\.uid\(\)) = ', '\1 <> ', 'g') as swapped) s
where s.swapped <> p.expression
