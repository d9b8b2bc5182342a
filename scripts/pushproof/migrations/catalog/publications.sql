-- Publications. That a table or schema is published is a property of the table or schema.
-- Those of the platform's services belong to roles of the platform; supabase_realtime is for the project to fill.
with own_publication as (
  select p.*, pg_catalog.quote_ident(p.pubname) as object
  from pg_catalog.pg_publication p
  where p.pubowner in (select oid from own_role) or p.pubname = 'supabase_realtime'
)
select 'publication', b.object, p.property, p.value
from own_publication b
cross join lateral (values
  ('publish', concat_ws(', ', case when b.pubinsert then 'insert' end, case when b.pubupdate then 'update' end,
    case when b.pubdelete then 'delete' end, case when b.pubtruncate then 'truncate' end)),
  ('for all tables', case when b.puballtables then 'yes' end),
  ('via root', case when b.pubviaroot then 'yes' end),
  ('comment', pg_catalog.obj_description(b.oid, 'pg_publication'))
) as p (property, value)
where p.value is not null
union all
select r.kind, r.object, 'published by ' || b.object, concat_ws(' where ', coalesce(
  (
    select string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attname)
    from pg_catalog.pg_attribute a where a.attrelid = r.oid and a.attnum = any (m.prattrs)
  ), 'all columns'), pg_catalog.pg_get_expr(m.prqual, m.prrelid))
from own_publication b
join pg_catalog.pg_publication_rel m on m.prpubid = b.oid
join own_relation r on r.oid = m.prrelid
union all
select s.kind, s.object, 'published by ' || b.object, 'all tables'
from own_publication b
join pg_catalog.pg_publication_namespace m on m.pnpubid = b.oid
join own_schema s on s.oid = m.pnnspid
