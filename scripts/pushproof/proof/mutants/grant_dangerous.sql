-- TRUNCATE for signed-in users: row level security does not apply to it.
select
  format('truncate on %%s.%%s', n.nspname, c.relname) as object,
  n.nspname || '.' || c.relname as relation,
  null as routine,
  'granted to authenticated' as change,
  format('grant truncate on %%I.%%I to authenticated', n.nspname, c.relname) as break,
  format('revoke truncate on %%I.%%I from authenticated', n.nspname, c.relname) as mend,
  null as equivalent
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p') and not has_table_privilege('authenticated', c.oid, 'truncate')
