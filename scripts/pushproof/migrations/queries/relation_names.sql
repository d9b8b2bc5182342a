-- The qualified names of the named relations; an index stands for its table.
select wanted.name, pg_catalog.format('%%s.%%s', n.nspname, c.relname)
from unnest(%(names)s::text[]) as wanted (name)
join pg_catalog.pg_class named on named.oid = pg_catalog.to_regclass(wanted.name)
left join pg_catalog.pg_index i on i.indexrelid = named.oid
join pg_catalog.pg_class c on c.oid = coalesce(i.indrelid, named.oid)
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
