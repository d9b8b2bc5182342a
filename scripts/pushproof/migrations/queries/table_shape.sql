-- The columns of a table that are not generated, in order, and those of its primary key.
select
  array(
    select a.attname::text from pg_catalog.pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    order by a.attnum
  ),
  array(
    select a.attname::text
    from pg_catalog.pg_index i, unnest(i.indkey::smallint[]) with ordinality as k (attnum, place)
    join pg_catalog.pg_attribute a on a.attnum = k.attnum
    where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid
    order by k.place
  )
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s and c.relname = %(table)s and c.relkind in ('r', 'p')
