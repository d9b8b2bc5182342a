-- Extended statistics.
select 'statistics', r.object || ' ' || pg_catalog.quote_ident(s.stxname), p.property, p.value
from own_relation r
join pg_catalog.pg_statistic_ext s on s.stxrelid = r.oid
cross join lateral (values
  ('of', r.kind || ' ' || r.object),
  ('definition', pg_catalog.pg_get_statisticsobjdef(s.oid)),
  ('target', nullif(s.stxstattarget, -1)::text),
  ('comment', pg_catalog.obj_description(s.oid, 'pg_statistic_ext'))
) as p (property, value)
where p.value is not null
