-- The two roles of the API's users: what they may do by themselves, or as members of another role.
select 'role', r.rolname::text, p.property, p.value
from pg_catalog.pg_roles r
cross join lateral (values
  ('login', case when r.rolcanlogin then 'yes' else 'no' end),
  ('bypasses row level security', case when r.rolbypassrls then 'yes' end),
  ('creates roles', case when r.rolcreaterole then 'yes' end),
  ('member of', (
    select string_agg(m.roleid::pg_catalog.regrole::text, ', ' order by m.roleid::pg_catalog.regrole::text)
    from pg_catalog.pg_auth_members m where m.member = r.oid
  ))
) as p (property, value)
where r.rolname in ('anon', 'authenticated') and p.value is not null
