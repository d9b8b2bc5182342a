-- TRUNCATE is granted to signed-in users: row level security does not apply to it.
select
  'truncate on ' || c.relation as object, c.relation, c.routine,
  'granted to authenticated' as change,
  format('grant truncate on %%s to authenticated', c.place) as break,
  format('revoke truncate on %%s from authenticated', c.place) as mend,
  null as equivalent
from relations c
where c.is_table and not has_table_privilege('authenticated', c.oid, 'truncate')
