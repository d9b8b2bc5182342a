-- A view reads as its owner again: it shows all users' rows.
select
  'view ' || c.relation as object, c.relation, c.routine,
  'security_invoker was switched off' as change,
  format('alter view %%s set (security_invoker = false)', c.place) as break,
  format('alter view %%s set (security_invoker = %%s)', c.place, split_part(o.option, '=', 2)) as mend,
  null as equivalent
from relations c
cross join unnest(c.reloptions) as o (option)
where c.relkind = 'v' and o.option ~ '^security_invoker=(true|on|yes|1)$'
