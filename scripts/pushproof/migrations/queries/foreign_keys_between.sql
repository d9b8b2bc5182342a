-- The foreign keys of the named tables, as pairs of child and parent.
select pg_catalog.format('%%s.%%s', cn.nspname, c.relname), pg_catalog.format('%%s.%%s', pn.nspname, p.relname)
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
join pg_catalog.pg_class p on p.oid = k.confrelid
join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
where k.contype = 'f'
  and pg_catalog.format('%%s.%%s', cn.nspname, c.relname) = any(%(names)s)
