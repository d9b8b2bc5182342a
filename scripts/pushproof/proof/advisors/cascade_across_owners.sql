-- A user who deletes their own row deletes another user's: cascades ignore row level security (pitfall 24).
-- Finds cascading keys between two relations that each refer to a user.
select distinct n.nspname || '.' || c.relname as object, 'key ' || k.conname || ' cascades from ' || pn.nspname || '.' || p.relname as detail
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class p on p.oid = k.confrelid
join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
where k.contype = 'f' and k.confdeltype = 'c' and cardinality(k.conkey) = 1 and p.oid <> c.oid
  and n.nspname = any (%(schemas)s) and pn.nspname = any (%(schemas)s)
  and pg_catalog.has_table_privilege('authenticated', p.oid, 'delete')
  and pg_catalog.has_any_column_privilege('authenticated', c.oid, 'insert')
  and (select count(*) from pg_catalog.pg_constraint u
       where u.conrelid in (c.oid, p.oid) and u.contype = 'f' and u.confrelid = 'auth.users'::pg_catalog.regclass) = 2
order by 1, 2
