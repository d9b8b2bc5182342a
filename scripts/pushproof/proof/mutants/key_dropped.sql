-- A composite foreign key is dropped: a row and its parent can have different owners.
select
  format('key %%s of %%s', k.conname, c.relation) as object, c.relation, c.routine,
  'it was dropped' as change,
  format('alter table %%s drop constraint %%I', c.place, k.conname) as break,
  format('alter table %%s add constraint %%I %%s', c.place, k.conname, pg_get_constraintdef(k.oid)) as mend,
  null as equivalent
from relations c
join pg_catalog.pg_constraint k on k.conrelid = c.oid
where k.contype = 'f' and cardinality(k.conkey) > 1 and k.conparentid = 0
