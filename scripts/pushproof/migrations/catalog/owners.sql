-- Owners of the objects that have privileges, and what these are part of.
select o.kind, o.object, p.property, p.value
from owned o
cross join lateral (values
  ('of', o.of),
  ('owner', coalesce(
    (select r.name from own_role r where r.oid = o.owner), pg_catalog.pg_get_userbyid(o.owner)::text
  ))
) as p (property, value)
where p.value is not null
