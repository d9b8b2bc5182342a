-- A trigger that no longer fires: what it filled in, followed or forbade is left to the client.
select
  format('trigger %%s on %%s.%%s', t.tgname, n.nspname, c.relname) as object,
  n.nspname || '.' || c.relname as relation,
  null as routine,
  'it was disabled' as change,
  format('alter table %%I.%%I disable trigger %%I', n.nspname, c.relname, t.tgname) as break,
  format('alter table %%I.%%I enable trigger %%I', n.nspname, c.relname, t.tgname) as mend,
  null as equivalent
from pg_catalog.pg_trigger t
join pg_catalog.pg_class c on c.oid = t.tgrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = any (%(schemas)s) and not t.tgisinternal and t.tgenabled = 'O' and t.tgparentid = 0
