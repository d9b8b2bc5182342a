-- WITH CHECK of a policy becomes true: users can write rows of other users. Without WITH CHECK, USING is the check.
select
  p.object, p.relation, p.routine,
  lower(p.cmd) || ': with check became true' as change,
  format('alter policy %%s with check (true)', p.named) as break,
  case when p.with_check is not null
    then format('alter policy %%s with check (%%s)', p.named, p.with_check)
    else format('drop policy %%1$s; create policy %%1$s as %%2$s for %%3$s to %%4$s using (%%5$s)%%6$s',
      p.named, p.permissive, p.cmd, p.roles_named, p.qual, p.comment)
  end as mend,
  case when p.cmd = 'UPDATE' and not exists (
      select from pg_catalog.pg_attribute a
      where a.attrelid = p.place::regclass and a.attnum > 0 and not a.attisdropped
        and coalesce(p.with_check, p.qual) ~ ('\m' || a.attname || '\M')
        and has_column_privilege('authenticated', a.attrelid, a.attnum, 'update'))
    then 'users hold no right to update a column that the check compares, so a row that passes USING cannot fail the check'
  end as equivalent
from policies p
where case when p.with_check is null then p.cmd in ('UPDATE', 'ALL') and p.qual <> 'true' else p.with_check <> 'true' end
