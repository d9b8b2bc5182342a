-- A view that reads as its owner again: it shows everybody's rows.
select
  format('view %%s.%%s', n.nspname, c.relname) as object,
  n.nspname || '.' || c.relname as relation,
  null as routine,
  'security_invoker was switched off' as change,
  format('alter view %%I.%%I set (security_invoker = false)', n.nspname, c.relname) as break,
  format('alter view %%I.%%I set (security_invoker = %%s)', n.nspname, c.relname, split_part(o.option, '=', 2)) as mend,
  null as equivalent
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join unnest(c.reloptions) as o (option)
where n.nspname = any (%(schemas)s) and c.relkind = 'v' and o.option ~ '^security_invoker=(true|on|yes|1)$'
