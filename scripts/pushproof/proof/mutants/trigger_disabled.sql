-- A trigger is disabled: the client decides what the trigger set, propagated or refused.
select
  format('trigger %%s on %%s', t.tgname, c.relation) as object, c.relation, c.routine,
  'it was disabled' as change,
  format('alter table %%s disable trigger %%I', c.place, t.tgname) as break,
  format('alter table %%s enable trigger %%I', c.place, t.tgname) as mend,
  null as equivalent
from relations c
join pg_catalog.pg_trigger t on t.tgrelid = c.oid
where not t.tgisinternal and t.tgenabled = 'O' and t.tgparentid = 0
