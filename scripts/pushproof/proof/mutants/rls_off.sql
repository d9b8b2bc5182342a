-- Row level security is switched off: only the grants decide.
select
  'row level security of ' || c.relation as object, c.relation, c.routine,
  'it was switched off' as change,
  format('alter table %%s disable row level security', c.place) as break,
  format('alter table %%s enable row level security', c.place) as mend,
  null as equivalent
from relations c
where c.is_table and c.relrowsecurity
