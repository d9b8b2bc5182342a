-- Columns. `from` is the column of the parent, which may be partitioned, that a column is inherited from.
select c.kind, c.object, c.prefix || p.property, p.value
from own_column c
join pg_catalog.pg_attribute a on a.attrelid = c.relation and a.attnum = c.attnum
join pg_catalog.pg_type t on t.oid = a.atttypid
left join pg_catalog.pg_attrdef d on d.adrelid = c.relation and d.adnum = c.attnum
left join lateral (
  select 'column ' || f.object as "from"
  from pg_catalog.pg_inherits i
  join pg_catalog.pg_attribute fa on fa.attrelid = i.inhparent and fa.attname = a.attname
  join own_column f on f.relation = i.inhparent and f.attnum = fa.attnum
  where i.inhrelid = c.relation and a.attinhcount > 0
  limit 1
) parent on true
cross join lateral (
  select 'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid)
  union all
  select own.*
  from (values
    ('of', c.of),
    ('from', parent."from"),
    ('type', pg_catalog.format_type(a.atttypid, a.atttypmod)),
    ('not null', case when a.attnotnull then 'yes' else 'no' end),
    ('identity', case a.attidentity when 'a' then 'always' when 'd' then 'by default' end),
    ('generated', case a.attgenerated when 's' then 'stored' when 'v' then 'virtual' end),
    ('collation', case when a.attcollation <> t.typcollation then a.attcollation::pg_catalog.regcollation::text end),
    ('storage', case when a.attstorage <> t.typstorage then
      case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end end),
    ('compression', case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' end),
    ('statistics', nullif(a.attstattarget, -1)::text),
    ('options', array_to_string(a.attoptions, ', ')),
    ('foreign options', array_to_string(a.attfdwoptions, ', '))
  ) as own (property, value)
  where not c.view
) as p (property, value)
where p.value is not null
