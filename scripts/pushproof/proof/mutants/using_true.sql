-- USING of a policy becomes true: its roles reach all users' rows.
select
  p.object, p.relation, p.routine,
  lower(p.cmd) || ': using became true' as change,
  format('alter policy %%s using (true)', p.named) as break,
  format('alter policy %%s using (%%s)', p.named, p.qual) as mend,
  null as equivalent
from policies p
where p.qual <> 'true'
