-- Which of the API's roles row level security does not bind: by attribute, or as owner of the relation.
select r.rolname,
  r.rolsuper or r.rolbypassrls or coalesce((
    select pg_catalog.pg_has_role(r.oid, c.relowner, 'usage')
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname || '.' || c.relname = %(relation)s::text
  ), false)
from pg_catalog.pg_roles r
where r.rolname in ('anon', 'authenticated', 'service_role')
order by 1
