-- A composite foreign key dropped: a row no longer belongs to whom its parent belongs to.
select
  format('key %%s of %%s.%%s', c.conname, n.nspname, r.relname) as object,
  n.nspname || '.' || r.relname as relation,
  null as routine,
  'it was dropped' as change,
  format('alter table %%I.%%I drop constraint %%I', n.nspname, r.relname, c.conname) as break,
  format('alter table %%I.%%I add constraint %%I %%s', n.nspname, r.relname, c.conname, pg_get_constraintdef(c.oid)) as mend,
  null as equivalent
from pg_catalog.pg_constraint c
join pg_catalog.pg_class r on r.oid = c.conrelid
join pg_catalog.pg_namespace n on n.oid = r.relnamespace
where n.nspname = any (%(schemas)s) and c.contype = 'f' and cardinality(c.conkey) > 1 and c.conparentid = 0
