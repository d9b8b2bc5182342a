-- The sub-select on a parent taken out of a policy: a user puts rows of theirs below somebody else's parent.
select
  format('policy %%s on %%s.%%s', p.policyname, p.schemaname, p.tablename) as object,
  p.schemaname || '.' || p.tablename as relation,
  null as routine,
  format('%%s: the parent is no longer asked for in %%s', lower(p.cmd), c.clause) as change,
  format('alter policy %%I on %%I.%%I %%s (%%s)', p.policyname, p.schemaname, p.tablename, c.clause,
    overlay(c.expression placing 'true' from b.start for e.stop - b.start + 1)) as break,
  format('alter policy %%I on %%I.%%I %%s (%%s)', p.policyname, p.schemaname, p.tablename, c.clause, c.expression) as mend,
  null as equivalent
from pg_catalog.pg_policies p
cross join lateral (values ('using', p.qual), ('with check', p.with_check)) as c (clause, expression)
cross join lateral (select strpos(c.expression, 'EXISTS (') as start) b
-- Where the bracket that EXISTS opens is closed again.
cross join lateral (
  select min(place) as stop
  from (
    select place, sum(case substr(c.expression, place, 1) when '(' then 1 when ')' then -1 else 0 end) over (order by place) as depth
    from generate_series(b.start + 7, length(c.expression)) as place
  ) brackets
  where depth = 0
) e
where p.schemaname = any (%(schemas)s) and b.start > 0 and e.stop is not null
