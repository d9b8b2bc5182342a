-- The sub-select on a parent is removed from a policy: users can put their rows below another user's parent.
select
  p.object, p.relation, p.routine,
  format('%%s: the parent is no longer asked for in %%s', lower(p.cmd), p.clause) as change,
  format('alter policy %%s %%s (%%s)', p.named, p.clause,
    overlay(p.expression placing 'true' from b.start for e.stop - b.start + 1)) as break,
  format('alter policy %%s %%s (%%s)', p.named, p.clause, p.expression) as mend,
  null as equivalent
from clauses p
cross join lateral (select strpos(p.expression, 'EXISTS (') as start) b
-- The position of the parenthesis that closes EXISTS.
cross join lateral (
  select min(place) as stop
  from (
    select place, sum(case substr(p.expression, place, 1) when '(' then 1 when ')' then -1 else 0 end) over (order by place) as depth
    from generate_series(b.start + 7, length(p.expression)) as place
  ) brackets
  where depth = 0
) e
where b.start > 0 and e.stop is not null
