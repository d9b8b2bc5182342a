-- Views and materialized views. Whether a materialized view was refreshed is data and left out.
select r.kind, r.object, p.property, p.value
from own_relation r
join pg_catalog.pg_class c on c.oid = r.oid
cross join lateral (values
  ('definition', pg_catalog.pg_get_viewdef(r.oid)),
  ('options', (select string_agg(o, ', ' order by o) from unnest(c.reloptions) as o))
) as p (property, value)
where r.relkind in ('v', 'm') and p.value is not null
