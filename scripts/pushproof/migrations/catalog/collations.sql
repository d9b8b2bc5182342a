-- Collations. The columns of their catalog have other names in other versions of PostgreSQL.
select 'collation', c.oid::pg_catalog.regcollation::text, p.property, p.value
from pg_catalog.pg_collation c
join own_schema s on s.oid = c.collnamespace
cross join lateral (select pg_catalog.to_jsonb(c.*) as facts) j
cross join lateral (values
  ('of', 'schema ' || s.object),
  ('owner', pg_catalog.pg_get_userbyid(c.collowner)::text),
  ('provider', case c.collprovider when 'i' then 'icu' when 'c' then 'libc' when 'b' then 'builtin' end),
  ('locale', coalesce(j.facts ->> 'colllocale', j.facts ->> 'colliculocale', j.facts ->> 'collcollate')),
  ('rules', j.facts ->> 'collicurules'),
  ('deterministic', case when c.collisdeterministic then 'yes' else 'no' end),
  ('comment', pg_catalog.obj_description(c.oid, 'pg_collation'))
) as p (property, value)
where p.value is not null
