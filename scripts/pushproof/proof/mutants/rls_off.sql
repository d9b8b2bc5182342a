-- Row level security switched off: the grants alone decide.
select
  format('row level security of %%s.%%s', n.nspname, c.relname) as object,
  n.nspname || '.' || c.relname as relation,
  null as routine,
  'it was switched off' as change,
  format('alter table %%I.%%I disable row level security', n.nspname, c.relname) as break,
  format('alter table %%I.%%I enable row level security', n.nspname, c.relname) as mend,
  null as equivalent
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p') and c.relrowsecurity
