-- A user can put a row below another user's row: foreign keys ignore row level security (pitfalls 14 to 16).
-- Finds single-column keys to relations with row level security that no INSERT policy mentions.
select distinct n.nspname || '.' || c.relname as object, 'column ' || a.attname || ' refers to ' || pn.nspname || '.' || p.relname as detail
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class p on p.oid = k.confrelid
join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
where k.contype = 'f' and k.conparentid = 0 and cardinality(k.conkey) = 1
  and n.nspname = any (%(schemas)s) and pn.nspname = any (%(schemas)s) and p.oid <> c.oid
  and p.relrowsecurity
  and pg_catalog.has_column_privilege('authenticated', c.oid, a.attnum, 'insert')
  and not exists (
    select from pg_catalog.pg_policies o
    where o.schemaname = n.nspname and o.tablename = c.relname and o.cmd in ('INSERT', 'ALL')
      and coalesce(o.with_check, o.qual) ~ ('\m' || pg_catalog.regexp_replace(p.relname, '(\W)', '\\\1', 'g') || '\M')
  )
order by 1, 2
