-- A policy for signed-in users is opened to everybody: it now applies to visitors, and may pass their requests.
select
  p.object, p.relation, p.routine,
  lower(p.cmd) || ': to public instead of to authenticated' as change,
  format('alter policy %%s to public', p.named) as break,
  format('alter policy %%s to authenticated', p.named) as mend,
  case when not has_any_column_privilege('anon', p.place::regclass, 'select, insert, update')
      and not has_table_privilege('anon', p.place::regclass, 'select, insert, update, delete')
    then 'anon holds no privilege on the table, so its policies are never asked for anon; service_role bypasses them'
  end as equivalent
from policies p
where p.roles = '{authenticated}'
