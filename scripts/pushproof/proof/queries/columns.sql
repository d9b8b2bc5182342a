-- The columns of the given relations: their types and defaults, and which roles of the API may read and write them.
-- `filled`: the database sets a value if none is given. `generated`: no statement may set it.
select
  a.attrelid::bigint as relation,
  a.attnum::int as number,
  a.attname as name,
  pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
  coalesce(nullif(b.typname, ''), t.typname) as base_type,
  t.typcategory::text as category,
  case when a.atttypmod > 4 and t.typname in ('varchar', 'bpchar') then a.atttypmod - 4 end as length,
  a.attnotnull or t.typnotnull as required,
  a.atthasdef or a.attidentity <> '' or t.typdefault is not null as filled,
  a.attgenerated <> '' or a.attidentity = 'a' as generated,
  pg_catalog.pg_get_expr(d.adbin, d.adrelid) as default,
  array(
    select e.enumlabel::text from pg_catalog.pg_enum e
    where e.enumtypid = coalesce(nullif(t.typbasetype, 0), t.oid) order by e.enumsortorder
  ) as labels,
  array(
    select r.rolname || ' ' || v.verb
    from pg_catalog.pg_roles r, unnest(array['select', 'insert', 'update']) as v(verb)
    where r.rolname in ('anon', 'authenticated', 'service_role')
      and pg_catalog.has_column_privilege(r.oid, a.attrelid, a.attnum, v.verb)
  ) as rights
from pg_catalog.pg_attribute a
join pg_catalog.pg_type t on t.oid = a.atttypid
left join pg_catalog.pg_type b on b.oid = t.typbasetype
left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = any (%(relations)s::pg_catalog.oid[]) and a.attnum > 0 and not a.attisdropped
order by 1, 2
