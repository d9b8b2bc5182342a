-- Enums, composite types, domains and ranges. Values are compared by the order of labels and attributes, so it matters.
select o.kind, o.object, p.property, p.value
from own_type o
join pg_catalog.pg_type t on t.oid = o.oid
left join pg_catalog.pg_type base on base.oid = t.typbasetype
left join pg_catalog.pg_range r on r.rngtypid = t.oid
left join pg_catalog.pg_opclass c on c.oid = r.rngsubopc
cross join lateral (values
  ('labels', (
    select string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
    from pg_catalog.pg_enum e where e.enumtypid = t.oid
  )),
  ('attributes', (
    select string_agg(
      concat_ws(' ', pg_catalog.quote_ident(a.attname), pg_catalog.format_type(a.atttypid, a.atttypmod),
        case when a.attcollation <> at.typcollation then 'collate ' || a.attcollation::pg_catalog.regcollation end,
        pg_catalog.quote_literal(pg_catalog.col_description(a.attrelid, a.attnum))),
      ', ' order by a.attnum
    )
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_type at on at.oid = a.atttypid
    where a.attrelid = t.typrelid and a.attnum > 0
  )),
  ('type', case t.typtype when 'd' then pg_catalog.format_type(t.typbasetype, t.typtypmod) end),
  ('not null', case t.typtype when 'd' then case when t.typnotnull then 'yes' else 'no' end end),
  ('default', t.typdefault),
  ('collation', case when t.typcollation <> base.typcollation then t.typcollation::pg_catalog.regcollation::text end),
  ('range of', nullif(concat_ws(', ',
    nullif(r.rngsubtype, 0)::pg_catalog.regtype,
    c.opcname,
    nullif(r.rngcollation, 0)::pg_catalog.regcollation,
    nullif(r.rngcanonical::pg_catalog.oid, 0)::pg_catalog.regprocedure,
    nullif(r.rngsubdiff::pg_catalog.oid, 0)::pg_catalog.regprocedure,
    r.rngmultitypid::pg_catalog.regtype
  ), ''))
) as p (property, value)
where p.value is not null
